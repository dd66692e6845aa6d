import { setTimeout as sleep } from 'node:timers/promises';
import type { NetworkFault } from '../support/faulty-network.js';
import { sendRequests } from './clients.js';
import { judge, type Outcome } from './course.js';
import { type House, type Link, links } from './house.js';
import type { Dice } from './seeded.js';

/** What was begun over a slow link goes on for a while when it is mended. */
const RECOVERS_WITHIN_MS = 30_000;
const BROKEN_MS = { short: 8_000, full: 20_000 };

const kinds: ((dice: Dice) => NetworkFault)[] = [
  (dice) => ({ kind: 'LATENCY', ms: dice.between(100, 200), jitterMs: 100 }),
  (dice) => ({ kind: 'CUT_AFTER', bytes: dice.whole(1, 600) }),
  () => ({ kind: 'BLACK_HOLE' }),
  () => ({ kind: 'BANDWIDTH', bytesPerSecond: 1_024 }),
  () => ({ kind: 'RESET' }),
];

/** One link is broken in the midst of work, in the way that the seed chooses (each link begins with another), and mended. */
export async function breakLink(house: House, link: Link, full: boolean): Promise<Outcome> {
  const dice = house.dice('break');
  const { network } = house;
  const kind = kinds[(house.options.seed + links.indexOf(link)) % kinds.length];
  if (!network || !kind) throw new Error(`${link} cannot be broken here.`);
  await house.startWorker();
  const requests = sendRequests(house, { rounds: 2 });
  await sleep(dice.between(0, 2_500));
  const fault = kind(dice);
  network.break(fault);
  await sleep(full ? BROKEN_MS.full : BROKEN_MS.short);
  network.mend();
  const outcome = await judge(house, requests, { faultAt: Date.now(), limitMs: RECOVERS_WITHIN_MS });
  if (network.bytes === 0) outcome.violations.unshift(`nothing went over ${link}: nothing was broken`);
  return { ...outcome, violations: outcome.violations.map((text) => `${JSON.stringify(fault)}: ${text}`) };
}
