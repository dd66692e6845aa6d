import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isLoopback, readClusterUrl } from '../../src/cluster/cluster-url.js';

describe('the address of a cluster', () => {
  it.each([
    ['http://jobmanager:8081', 'http://jobmanager:8081'],
    ['http://jobmanager:8081/', 'http://jobmanager:8081'],
    ['  http://JobManager:8081//  ', 'http://jobmanager:8081'],
    ['https://flink.example.org', 'https://flink.example.org'],
    ['https://flink.example.org:443/', 'https://flink.example.org'],
    ['http://proxy/flink/a', 'http://proxy/flink/a'],
    ['http://proxy/flink/a/', 'http://proxy/flink/a'],
    ['http://proxy/flink/../a/', 'http://proxy/a'],
    ['http://[::1]:8081', 'http://[::1]:8081'],
  ])('%j is kept as %s', (text, url) => {
    expect(readClusterUrl(text)).toEqual({ url });
  });

  it.each([
    ['', /not a URL/],
    ['jobmanager', /not a URL/],
    ['http://', /not a URL/],
    ['http://jobmanager:99999', /not a URL/],
    ['jobmanager:8081', /scheme jobmanager/],
    ['ftp://jobmanager/', /scheme ftp/],
    ['file:///etc/passwd', /scheme file/],
    ['javascript:alert(1)', /scheme javascript/],
    ['http://me:secret@jobmanager:8081', /credentials/],
    ['http://me@jobmanager:8081', /credentials/],
    ['http://jobmanager:8081/?token=x', /query/],
    ['http://jobmanager:8081/#jobs', /fragment/],
  ])('%j is refused with the reason', (text, reason) => {
    const answer = readClusterUrl(text);
    expect(answer).toEqual({ problem: expect.stringMatching(reason) });
    expect(JSON.stringify(answer)).not.toContain('secret');
  });

  it('keeps its form when it is read again, and never holds what was refused', () => {
    fc.assert(
      fc.property(fc.webUrl({ withFragments: true, withQueryParameters: true }), (text) => {
        const answer = readClusterUrl(text);
        if ('problem' in answer) {
          expect(text).toMatch(/[?#]/);
          return;
        }
        expect(readClusterUrl(answer.url)).toEqual(answer);
        expect(answer.url).not.toMatch(/[?#]|\/$/);
        expect(new URL(answer.url).origin).toBe(new URL(text).origin);
      }),
    );
  });

  it.each([
    ['http://localhost:8081', true],
    ['http://127.0.0.1:8081/a', true],
    ['http://127.8.9.10', true],
    ['http://[::1]:8081', true],
    ['http://127.0.0.1.example.org', false],
    ['http://localhost.example.org', false],
    ['http://10.0.0.1', false],
  ])('%s is of this machine: %s', (url, local) => {
    expect(isLoopback(url)).toBe(local);
  });
});
