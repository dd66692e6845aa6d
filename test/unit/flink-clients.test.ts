import { describe, expect, it } from '@jest/globals';
import { FlinkClients } from '../../src/cluster/flink-clients.js';
import type { FlinkApi } from '../../src/flink/flink.types.js';

describe('the process mark that many want at once', () => {
  it('is read once for all who ask while it is read, and anew for whoever asks then', async () => {
    const answers: PromiseWithResolvers<string | null>[] = [];
    const clients = new FlinkClients(
      () =>
        ({
          processMark: () => {
            const answer = withResolvers<string | null>();
            answers.push(answer);
            return answer.promise;
          },
        }) as unknown as FlinkApi,
    );
    const first = [clients.sharedMark('http://a'), clients.sharedMark('http://a'), clients.sharedMark('http://b')];
    expect(answers).toHaveLength(2);
    answers[0]?.resolve('a');
    answers[1]?.reject(new Error('away'));
    expect((await Promise.allSettled(first)).map((one) => ('value' in one ? one.value : one.reason.message))).toEqual([
      'a',
      'a',
      'away',
    ]);
    const [second, third] = [clients.sharedMark('http://a'), clients.sharedMark('http://b')];
    expect(answers).toHaveLength(4);
    answers[2]?.resolve('another');
    answers[3]?.resolve(null);
    expect([await second, await third]).toEqual(['another', null]);
  });
});

interface PromiseWithResolvers<T> {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<T>((take, decline) => ([resolve, reject] = [take, decline]));
  return { promise, resolve, reject };
}
