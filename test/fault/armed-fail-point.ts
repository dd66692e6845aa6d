import { writeSync } from 'node:fs';
import type { FailPoint } from '../../src/fail-point.js';

/**
 * Takes the place of failPoint() in the build of the fault suite. Armed by STATEWARD_FAULT=`<point>:<passage>:<kill|freeze>`,
 * for example `savepoint.triggered:7:kill`: at the 7th time that this process passes the point it tells the runner and
 * kills or stops itself.
 */
const [point, passage, how] = (process.env.STATEWARD_FAULT ?? '').split(':');
const signals: Record<string, NodeJS.Signals> = { kill: 'SIGKILL', freeze: 'SIGSTOP' };
const STDERR = 2;
let passages = 0;

export function failPoint(passed: FailPoint): void {
  if (passed !== point || ++passages !== Number(passage)) return;
  const signal = signals[how ?? ''];
  if (!signal) throw new Error(`STATEWARD_FAULT=${process.env.STATEWARD_FAULT}: it must end in kill or freeze.`);
  writeSync(STDERR, `FAIL POINT ${passed} ${passages}\n`); // at once, where a logger would still hold it back
  process.kill(process.pid, signal);
  // A signal may arrive a moment after kill() has returned, and nothing may happen in between.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, signal === 'SIGKILL' ? Infinity : 50);
}
