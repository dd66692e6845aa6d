import { expect } from '@jest/globals';
import { textOf, type ContractSession } from '../contract-session.js';
import type { JobWish } from '../contract-target.js';
import { takeListed } from './operations.js';

const BELOW = ['', '/exceptions', '/execution-result', '/plan', '/config', '/checkpoints', '/checkpoints/config'];

/**
 * A start that Flink refuses: under the default scheduler with a 400, under the adaptive one after it was accepted. A FAILED
 * job is left under its id either way, and tells why.
 */
export async function expectRefusedRestore(flink: ContractSession, wish: JobWish, text: RegExp): Promise<void> {
  const jarId = await flink.uploadedJar();
  const body = flink.runBody(wish);
  const isAdaptive = flink.target.cluster.scheduler === 'adaptive';
  const answered = await flink.take('answered', `POST /jars/${jarId}/run`, body);
  expect(answered.status).toBe(isAdaptive ? 200 : 400);
  if (!isAdaptive) expect(textOf(answered)).toMatch(text);
  await flink.waitForState(body.jobId, 'FAILED');
  for (const path of BELOW) {
    const route = `GET /jobs/${body.jobId}${path}`;
    const { status } =
      path === ''
        ? await flink.takeWhen('its job', route, ({ state }: { state: string }) => state === 'FAILED')
        : await flink.take(`its job ${path}`, route);
    expect([path, status]).toEqual([path, 200]);
  }
  const listed = await takeListed(flink, body.jobId);
  expect(listed.body).toMatchObject({ jobs: [{ state: 'FAILED', ...(!isAdaptive && { tasks: { total: 0 } }) }] });
  expect((await flink.client.checkpoints(body.jobId))?.latest.restored).toBeNull();
  const cause = await flink.client.jobFailure(body.jobId);
  expect(cause?.fullText).toMatch(text);
  const again = await flink.take('refused again', `POST /jars/${jarId}/run`, body);
  expect(again.status).toBe(400);
  expect(textOf(again)).toMatch(/Duplicate(Job|Application)SubmissionException/);
}
