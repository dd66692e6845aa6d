import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readConfigurationText } from '../../../src/deployment/configuration-text.js';

describe('pasted settings', () => {
  it('are read line by line, without comments, empty lines and quotes', () => {
    const text = [
      '---',
      '# state',
      'state.backend.incremental: true   # as always',
      '',
      '  table.exec.state.ttl:    129600000',
      'a: "quoted # no comment: \\"x\\""',
      "b: 'it''s'  # comment",
      '"c.d": e',
      'f: x#y: z',
      'g: ""',
      'url: jdbc:postgresql://host:5432/db',
    ].join('\r\n');
    expect(readConfigurationText(text)).toEqual([
      { key: 'state.backend.incremental', value: 'true', place: 'line 3' },
      { key: 'table.exec.state.ttl', value: '129600000', place: 'line 5' },
      { key: 'a', value: 'quoted # no comment: "x"', place: 'line 6' },
      { key: 'b', value: "it's", place: 'line 7' },
      { key: 'c.d', value: 'e', place: 'line 8' },
      { key: 'f', value: 'x#y: z', place: 'line 9' },
      { key: 'g', value: '', place: 'line 10' },
      { key: 'url', value: 'jdbc:postgresql://host:5432/db', place: 'line 11' },
    ]);
  });

  it('come out as they went in, whatever a quoted value holds', () => {
    const quoted = (value: string) => `"${value.replace(/["\\]/g, (sign) => `\\${sign}`)}"`;
    const value = fc.string().filter((text) => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(fc.array(value), (values) => {
        const text = values.map((one, n) => `key.${n}:   ${quoted(one)} # comment`).join('\n');
        const read = readConfigurationText(text);
        expect(read).toEqual(values.map((one, n) => ({ key: `key.${n}`, value: one, place: `line ${n + 1}` })));
      }),
    );
  });

  it('are read in no time, however they are made to be slow', () => {
    const gap = ' '.repeat(200_000);
    const begun = performance.now();
    readConfigurationText(`a: b${gap}c\n"${gap}\nb: "${gap}\nc: "x"${gap}y\nd${gap}e`);
    expect(performance.now() - begun).toBeLessThan(1_000);
  });

  it.each([
    ['state:', /line 2: state has no value.*on one line/],
    ['state: # later', /line 2: state has no value/],
    ['state.backend', /line 2: there is no colon after state\.backend/],
    ['state.backend=rocksdb', /line 2: there is no colon/],
    ['-Dstate.backend=rocksdb', /line 2: .*without -D/],
    ['state.backend:rocksdb', /line 2: put a space after the colon/],
    [': rocksdb', /line 2: .*does not begin with the name/],
    ['a: "open', /line 2: a: the quote is not closed/],
    ['a: "closed" rest', /line 2: a: the quote is not closed, or something follows it/],
    ['a: |', /line 2: a: values of several lines/],
  ])('are declined for %j with the number of the line', (line, problem) => {
    expect(readConfigurationText(`x: y\n${line}\nz: a`)).toEqual({ problem: expect.stringMatching(problem) });
  });
});
