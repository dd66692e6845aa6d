import { operatorIdOf } from '../../src/flink/operator-id.js';
import type { Cluster } from './cluster.js';
import { isObject, replyLike } from './captured-replies.js';
import type { JsonObject, Reply } from './captured-replies.js';
import type { JarStore } from './jar-store.js';

/** An operator of the test job, and how its records reach it. */
interface Operator {
  uid: string;
  name: string;
  ships: 'HASH' | 'FORWARD' | null;
}

/** POST /jars/:id/plan: runs main() and starts nothing. The job is that of {@link FakeJob}; every fault of main() is a 500. */
export async function planJar(cluster: Cluster, jars: JarStore, jarId: string, body: JsonObject): Promise<Reply> {
  const { version, knobs, generation } = cluster;
  const jar = jars.jars.get(jarId);
  if (jar === undefined) return replyLike(version, 'run-refused-no-such-jar', [jarId]);
  const unfit = jars.whyNoProgram(jar);
  if (unfit === 'NOT_A_JAR') return replyLike(version, 'plan-not-a-jar', [jarId]);
  const entryClass = String(body['entryClass'] ?? '');
  if (unfit === 'NO_MAIN_CLASS' && entryClass === '') return replyLike(version, 'plan-no-main-class', [jarId]);

  if (knobs.mainDurationMs > 0) await cluster.pause(knobs.mainDurationMs);
  // The process that ran main() is gone: nobody is there to answer, and the caller's connection is closed already.
  if (generation !== cluster.generation) return { status: 503, body: { errors: [] } };
  const programArguments = Array.isArray(body['programArgsList']) ? body['programArgsList'].map(String) : [];
  if (programArguments.includes('--main-throws')) return replyLike(version, 'plan-main-throws', [jarId]);
  if (programArguments.includes('--no-job')) return replyLike(version, 'plan-no-job', [jarId]);
  return { status: 200, body: { plan: planOf(cluster, body, programArguments) } };
}

function planOf(cluster: Cluster, body: JsonObject, programArguments: string[]): JsonObject {
  const valueOf = (flag: string): string | undefined =>
    programArguments.includes(flag) ? programArguments[programArguments.indexOf(flag) + 1] : undefined;
  const settings = isObject(body['flinkConfiguration']) ? body['flinkConfiguration'] : {};
  const isChained = settings['pipeline.operator-chaining.enabled'] !== 'false';
  const parallelism = Number(valueOf('--parallelism') ?? body['parallelism'] ?? 1);
  const chains = chained(operatorsOf(valueOf('--counter-uid') ?? 'counter'), isChained);
  const nodes = chains.map((chain, index): JsonObject => {
    const [head] = chain;
    const before = chains[index - 1]?.[0];
    return {
      id: operatorIdOf(head.uid),
      operator: '',
      parallelism,
      operator_strategy: '',
      // One below the other, as a tree.
      description: chain
        .map(({ name }, depth) => `${depth === 0 ? '' : `${'   '.repeat(depth - 1)}+- `}${name}<br/>`)
        .join(''),
      optimizer_properties: {},
      ...(before && {
        inputs: [{ id: operatorIdOf(before.uid), num: 0, exchange: 'pipelined_bounded', ship_strategy: head.ships }],
      }),
    };
  });
  return {
    jid: typeof body['jobId'] === 'string' ? body['jobId'] : cluster.hex(32),
    name: valueOf('--name') ?? 'multi-job',
    type: 'STREAMING',
    // As in Flink's plan, the last vertex comes first.
    nodes: nodes.reverse(),
  };
}

const operatorsOf = (counterUid: string): Operator[] => [
  { uid: 'source', name: 'Source: numbers', ships: null },
  { uid: counterUid, name: 'counter', ships: 'HASH' },
  { uid: 'mapper', name: 'mapper', ships: 'FORWARD' },
  { uid: 'sink', name: 'sink: Writer', ships: 'FORWARD' },
];

function chained(operators: Operator[], isChained: boolean): [Operator, ...Operator[]][] {
  const chains: [Operator, ...Operator[]][] = [];
  for (const operator of operators) {
    if (isChained && operator.ships === 'FORWARD') chains.at(-1)?.push(operator);
    else chains.push([operator]);
  }
  return chains;
}
