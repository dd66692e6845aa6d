import { describe, expect, it } from '@jest/globals';
import { hadTurn, putOff } from '../../../src/deletion/put-off.js';

describe('rows that a storage has no turn for', () => {
  it('are put off for the longer the more of them wait, and not the longer the more often one comes', () => {
    const pauses = Array.from({ length: 641 }, (_, n) => putOff('a storage', `row ${n}`));
    expect([pauses[0], pauses[1], pauses[16], pauses[32], pauses[640]]).toEqual([250, 266, 500, 750, 10_000]);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    for (let n = 0; n < 3; n += 1) expect(putOff('a storage', 'row 640')).toBe(10_000);
    expect(putOff('another storage', 'row 0')).toBe(250);
  });

  it('are waited for no longer when they have had their turn', () => {
    for (let n = 0; n < 33; n += 1) putOff('busy', `row ${n}`);
    expect(putOff('busy', 'row 0')).toBe(750);
    for (let n = 1; n < 33; n += 1) hadTurn('busy', `row ${n}`);
    expect(putOff('busy', 'row 0')).toBe(250);
  });

  it('come back after so long at the least where the storage is slow', () => {
    expect(putOff('slow', 'row', 1_000)).toBe(1_000);
  });
});
