import { beforeEach, describe, expect, it } from '@jest/globals';
import { countOpenSockets, type OpenSocket, type OpenSockets } from '../../src/api/open-sockets.js';

const most = { total: 5, perClient: 2, operationsPerSocket: 3, operationsPerClient: 4 };
let open: OpenSockets;
beforeEach(() => {
  open = countOpenSockets(most);
});

const socketOf = (address: string, actor: string | null, running = 0): OpenSocket => ({
  address,
  actor,
  running: () => running,
});

describe('the sockets of a client', () => {
  it('are so many and no more, until one is closed', () => {
    const [first, second, third] = [1, 2, 3].map(() => socketOf('10.0.0.1', 'local'));
    expect([first, second].map((one) => open.admit(one as OpenSocket))).toEqual([null, null]);
    expect(open.admit(third as OpenSocket)).toMatch(/its most sockets open \(2\).*STATEWARD_SOCKETS_PER_CLIENT/);
    expect(open.admit(socketOf('10.0.0.2', 'local'))).toBeNull();
    open.remove(first as OpenSocket);
    expect(open.admit(third as OpenSocket)).toBeNull();
  });

  it('are counted apart from those of strangers at the same address, once it is known whose they are', () => {
    const known = socketOf('10.0.0.1', null);
    expect(open.admit(known)).toBeNull();
    expect(open.identify(known, 'api-token')).toBeNull();
    expect([1, 2].map(() => open.admit(socketOf('10.0.0.1', null)))).toEqual([null, null]);
    expect(open.admit(socketOf('10.0.0.1', null))).not.toBeNull();
    const another = socketOf('10.0.0.1', 'api-token');
    expect(open.admit(another)).toBeNull();
    expect(open.admit(socketOf('10.0.0.1', 'api-token'))).not.toBeNull();
  });

  it('are refused when its own are used up only after it has shown who it is', () => {
    for (const one of [1, 2].map(() => socketOf('10.0.0.1', 'api-token'))) expect(open.admit(one)).toBeNull();
    const late = socketOf('10.0.0.1', null);
    expect(open.admit(late)).toBeNull();
    expect(open.identify(late, 'api-token')).toMatch(/its most sockets/);
  });

  it('of all clients together have an end too', () => {
    for (let n = 0; n < most.total; n += 1) expect(open.admit(socketOf(`10.0.0.${n}`, 'local'))).toBeNull();
    expect(open.admit(socketOf('10.0.1.1', 'local'))).toMatch(/This API has its most sockets open \(5\)/);
  });

  it('are refused in words that fit into a close frame', () => {
    const large = countOpenSockets({ ...most, total: 1_000_000, perClient: 1_000_000 });
    for (const { refusal } of [
      { refusal: countOpenSockets({ ...most, total: 0 }).admit(socketOf('a', null)) },
      { refusal: countOpenSockets({ ...most, perClient: 0 }).admit(socketOf('a', null)) },
      { refusal: large.admit(socketOf('a', null)) },
    ])
      expect(Buffer.byteLength(refusal ?? '')).toBeLessThanOrEqual(123 - 2 * 5);
  });
});

describe('the operations', () => {
  it('of a socket are so many and no more', () => {
    expect(open.refusalOfOperation(socketOf('a', null, most.operationsPerSocket))).toBeNull();
    expect(open.refusalOfOperation(socketOf('a', null, most.operationsPerSocket + 1))).toMatch(/socket.*\(3\)/);
  });

  it('of a client are counted over all of its sockets, and not with those of others', () => {
    const [one, two, other] = [socketOf('a', 'x', 2), socketOf('a', 'x', 2), socketOf('b', 'x', 3)];
    for (const socket of [one, two, other]) open.admit(socket);
    expect(open.refusalOfOperation(one)).toBeNull();
    two.running = () => 3;
    expect(open.refusalOfOperation(one)).toMatch(/client.*\(4\).*STATEWARD_SUBSCRIPTIONS_PER_CLIENT/);
    open.remove(two);
    expect(open.refusalOfOperation(one)).toBeNull();
  });
});
