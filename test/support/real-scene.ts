import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll } from '@jest/globals';
import { REAL_FLINK_START_MS, type RealFlink, type RealFlinkOptions, startRealFlink } from './real-flink.js';
import { registerCluster } from './scenario.js';
import { startStateward, type Stateward, type StatewardOptions } from './stateward.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';

/** Everything is there when the first test begins. */
export interface RealScene {
  real: RealFlink;
  /** Stands between Stateward and the JobManager where that was asked for. */
  proxy: TcpProxy;
  stateward: Stateward;
  clusterId: string;
  /** Of the counting job. */
  artifactId: string;
}

interface SceneOptions extends RealFlinkOptions {
  proxied?: boolean;
  /** Whether one runs in this process. */
  worker?: boolean;
  /** What no setting of Stateward says. */
  config?: StatewardOptions['config'];
}

/** One real cluster and one Stateward for all tests of the describe block around, which use deployments of their own. */
export function sceneOnRealFlink({ proxied = false, worker = true, config, ...cluster }: SceneOptions): RealScene {
  const scene: Partial<RealScene> = {};
  beforeAll(async () => {
    const real = (scene.real = await startRealFlink(cluster));
    const proxy = (scene.proxy = await startTcpProxy(real.flink.url));
    const stateward = (scene.stateward = await startStateward({ worker, ...(config && { config }) }));
    scene.clusterId = await registerCluster(stateward, proxied ? proxy.url : real.flink.url);
    const { body } = await stateward.upload('counter.jar', await readFile(real.jars.StatefulCounter ?? ''));
    scene.artifactId = body.artifact?.id ?? '';
  }, REAL_FLINK_START_MS);
  afterAll(async () => {
    await scene.stateward?.stop();
    await scene.proxy?.stop();
    await scene.real?.stop();
  }, 60_000);
  return scene as RealScene;
}
