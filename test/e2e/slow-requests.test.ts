import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { transportLimits } from '../../src/api/transport-limits.js';
import { startStateward, type Stateward } from '../support/stateward.js';

let stateward: Stateward;
beforeAll(async () => {
  const http = { headWithinMs: 600, bodyWithinMs: 600, silentMs: 1_500, keepAliveMs: 1_000 };
  stateward = await startStateward({ worker: false, limits: { ...transportLimits, http } });
});
afterAll(() => stateward.stop());

/** Sends this, then a byte now and then, until the server closes the connection; answers all that it said. */
function sendSlowly(text: string, drip: string): Promise<string> {
  const { hostname, port } = new URL(stateward.url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    const dripping = setInterval(() => drip && socket.writable && socket.write(drip), 100);
    socket.setEncoding('utf8').on('data', (more: string) => (answer += more));
    socket.on('error', () => undefined); // of a byte that comes after the server has closed
    socket.on('close', () => {
      clearInterval(dripping);
      resolve(answer);
    });
  });
}

const head = (path: string, method = 'POST') =>
  `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n`;

describe('a connection', () => {
  it('whose request does not get to the end of its head is answered 408 and closed', async () => {
    expect(await sendSlowly('POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ', 'x')).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('whose GraphQL request does not get to its end is answered 408 and closed', async () => {
    const answer = await sendSlowly(head('/graphql'), ' ');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('"code":"REQUEST_TOO_SLOW"');
    expect(answer).toMatch(/connection: close/i);
  });

  it('on which nothing moves is closed, an upload too', async () => {
    expect(await sendSlowly(head('/artifacts/job.jar', 'PUT'), '')).toBe('');
  });

  it('is kept for an upload that is slow and goes on', async () => {
    const ended = sendSlowly(head('/artifacts/job.jar', 'PUT').replace('1000', '25'), 'x');
    expect(await ended).toMatch(/^HTTP\/1\.1 422 /); // 25 bytes in 2.5 s: no jar, and read to its end
  });
});
