import { type FailPoint, failPoints } from '../../src/fail-point.js';
import type { Outcome } from './course.js';
import { freezeApi, freezeAt, freezePoints } from './freezes.js';
import { type BackEnd, type House, type HouseOptions, links } from './house.js';
import { killAt } from './kills.js';
import { breakLink } from './networks.js';
import { doNothing, emptyRedis, killPostgres, killRedis, killTwice, restartFlink } from './outages.js';

/** One kind of run: what is set up, and what is done to it. */
export interface Scenario {
  name: string;
  set: Omit<Partial<HouseOptions>, 'name' | 'seed' | 'backEnd' | 'logFolder'>;
  backEnds: readonly BackEnd[];
  /** It takes the whole machine: nothing else runs beside it. */
  alone?: boolean;
  run(house: House, full: boolean): Promise<Outcome>;
}

const both: readonly BackEnd[] = ['postgres', 'redis'];
const redisOnly: readonly BackEnd[] = ['redis'];
/** Two hundred savepoints under way at once. */
const many = { deployments: 200, budget: 200, savepointMs: [3_000, 6_000] } satisfies Scenario['set'];

const kindAt = (point: FailPoint): Scenario['set'] => {
  if (point.startsWith('stop.') || point === 'checkpoints.end-read') return { kind: 'STOP' };
  if (/^(slots|retention|deletion)\./.test(point)) return { kind: 'UPKEEP' };
  return { kind: point.startsWith('start.') ? 'START' : 'SAVEPOINT' };
};

export const scenarios: Scenario[] = [
  { name: 'no fault', set: { budget: 8, savepointMs: [200, 1_500] }, backEnds: both, run: doNothing },
  { name: 'stops without a fault', set: { kind: 'STOP' }, backEnds: both, run: doNothing },
  { name: 'slots and retention without a fault', set: { kind: 'UPKEEP' }, backEnds: both, run: doNothing },
  ...failPoints.map((point): Scenario => ({
    name: `kill ${point}`,
    set: kindAt(point),
    backEnds: both,
    run: (house) => killAt(house, point),
  })),
  { name: 'worker killed twice', set: {}, backEnds: both, run: (house) => killTwice(house, 'worker') },
  { name: 'api killed twice', set: {}, backEnds: both, run: (house) => killTwice(house, 'api') },
  { name: 'redis emptied', set: many, backEnds: redisOnly, alone: true, run: emptyRedis },
  { name: 'redis killed', set: many, backEnds: redisOnly, alone: true, run: killRedis },
  {
    name: 'postgres killed 5 times',
    set: { ownPostgres: true, savepointMs: [200, 1_500] },
    backEnds: both,
    run: killPostgres,
  },
  { name: 'flink restarted', set: { savepointMs: [200, 2_000] }, backEnds: both, run: restartFlink },
  ...freezePoints.map((point): Scenario => ({
    name: `freeze ${point}`,
    set: kindAt(point),
    backEnds: both,
    run: (house, full) => freezeAt(house, point, full),
  })),
  { name: 'freeze api', set: {}, backEnds: both, run: freezeApi },
  ...links.map((link): Scenario => ({
    name: `network ${link}`,
    set: { breakable: link },
    backEnds: link.endsWith('redis') ? redisOnly : both,
    run: (house, full) => breakLink(house, link, full),
  })),
];
