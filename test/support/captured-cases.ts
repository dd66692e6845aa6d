import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { startFakeFlink } from '../../demo/fake-flink/fake-flink.js';
import type { FakeFlink, FakeFlinkOptions } from '../../demo/fake-flink/fake-flink.js';
import { causesIn, shapeOf } from './answer-shape.js';
import { ask, type Answer } from './fake-flink-requests.js';

/** A reply of a real cluster that was captured, and how the fake is brought to give one of the same kind. */
export interface CapturedCase {
  name: string;
  fixture: string;
  scheduler?: 'adaptive';
  reply: (flink: FakeFlink) => Promise<Answer>;
}

export type CapturedVersion = '2.3.0' | '1.20.5';

/** An id that no fake gives. */
export const UNKNOWN = '0'.repeat(32);

/** A request about a running job, whose id stands for `:id`. */
export const withJob =
  (target: string, prepare?: (flink: FakeFlink, id: string) => unknown): CapturedCase['reply'] =>
  async (flink) => {
    const id = flink.addJob();
    await prepare?.(flink, id);
    const [method = '', route = ''] = target.split(' ');
    return ask(flink, `${method} ${route.replace(':id', id)}`);
  };

/** Expects the status, keys, types and, of failures, the causes of the captured reply. */
export async function expectLikeCaptured(version: CapturedVersion, one: CapturedCase): Promise<void> {
  const url = new URL(`../../demo/fake-flink/replies/${version}/${one.fixture}.json`, import.meta.url);
  const real = JSON.parse(readFileSync(url, 'utf8')) as Answer;
  const options: FakeFlinkOptions = { version, ...(one.scheduler && { scheduler: one.scheduler }) };
  const flink = await startFakeFlink(options);
  try {
    const reply = await one.reply(flink);
    expect(reply.status).toBe(real.status);
    expect(shapeOf(reply.body)).toEqual(shapeOf(real.body));
    const isFailure = /exception|errors|failure-cause/.test(JSON.stringify(real.body));
    if (isFailure && (reply.status >= 400 || one.fixture.includes('poll'))) {
      expect(causesIn(reply.body)).toEqual(causesIn(real.body));
    }
  } finally {
    await flink.stop();
  }
}
