import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DemoFlink, FlinkChoice } from './demo-flink.js';
import { counterState } from './fake-flink/counter-state.js';
import type { FlinkVersion } from './fake-flink/captured-replies.js';
import { startFakeFlink } from './fake-flink/fake-flink.js';
import { zipOf } from './fake-flink/zip-file.js';
import { say, title } from './screen.js';

const VERSIONS: readonly string[] = ['2.3.0', '1.20.5'] satisfies FlinkVersion[];
/** Stateward reads the progress about once a second: some of it is to be seen. */
const SAVEPOINT_MS = 4_000;
const START_MS = 400;
const FORGET_REQUESTS_MS = 60_000;

/** The fake Flink in this process, which needs nothing. */
export function chooseSimulatedFlink(version: string): FlinkChoice {
  if (!isSimulated(version)) {
    return { remedy: `Flink ${version} cannot be simulated: STATEWARD_FLINK_VERSION may be ${VERSIONS.join(' or ')}.` };
  }
  return { start: (folder) => start(folder, version) };
}

function isSimulated(version: string): version is FlinkVersion {
  return VERSIONS.includes(version);
}

/** Its savepoints are `_metadata` files in the folder, so that every location that is shown can be looked at. */
async function start(folder: string, version: FlinkVersion): Promise<DemoFlink> {
  title(`A simulated Flink ${version}: it answers like a real one, but no job runs and no state is written`);
  await mkdir(join(folder, 'savepoints'), { recursive: true });
  const flink = await startFakeFlink({ version, folder });
  flink.knobs.savepointDurationMs = SAVEPOINT_MS;
  flink.knobs.savepointSteps = 8;
  flink.knobs.startDelayMs = START_MS;
  flink.knobs.takesCheckpoints = true;
  flink.knobs.held = counterState(version);
  // It remembers all that it was asked, for tests; a demo may stay up for days.
  const forgetting = setInterval(() => flink.requests.splice(0), FORGET_REQUESTS_MS).unref();
  const stop = async () => {
    clearInterval(forgetting);
    await flink.stop();
  };
  say(`it answers at ${flink.url}`);
  return { url: flink.url, jar: await writeJar(folder), countsFolder: null, stop };
}

/** A jar as far as anybody looks into it here: Stateward wants a class in it, and nobody runs it. */
async function writeJar(folder: string): Promise<string> {
  const file = join(folder, 'simulated-counter.jar');
  const jar = zipOf({
    'META-INF/MANIFEST.MF': 'Manifest-Version: 1.0\r\nMain-Class: simulated.Counter\r\n\r\n',
    'simulated/Counter.class': 'No class: the simulated Flink runs no code.',
  });
  await writeFile(file, jar);
  return file;
}
