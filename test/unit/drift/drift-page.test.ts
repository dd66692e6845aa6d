import { describe, expect, it } from '@jest/globals';
import type { Keyset, Placed } from '../../../src/db/pages.js';
import { DriftKind } from '../../../src/drift/drift.enums.js';
import { mergePage, type Stretch, stretchOf, sumsOf } from '../../../src/drift/drift-page.js';

const place = (second: number, id = 'a'): Keyset => ({
  at: `2026-03-01T00:00:${String(second).padStart(2, '0')}.000000Z`,
  id,
});
const at = (second: number, id = 'a'): Placed<string> => ({ node: `${second}${id}`, place: place(second, id) });
const whole = (...found: Placed<string>[]): Stretch<string> => ({ found, horizon: null });
const nodes = ({ shown }: { shown: Placed<string>[] }) => shown.map(({ node }) => node);

describe('a page of several sources', () => {
  it('is in one order, newest first, and of one instant by id', () => {
    const page = mergePage([whole(at(9), at(3)), whole(at(5, 'b'), at(5, 'a')), whole()], 10);
    expect(nodes(page)).toEqual(['9a', '5b', '5a', '3a']);
    expect(page).toMatchObject({ more: false, cut: false, end: place(3) });
  });

  it('ends at the last that is shown when it is full', () => {
    const page = mergePage([whole(at(9), at(3)), whole(at(5))], 2);
    expect(nodes(page)).toEqual(['9a', '5a']);
    expect(page).toMatchObject({ more: true, cut: false, end: place(5) });
  });

  it('goes no further than the source that has looked the least far, and says that it was cut', () => {
    const page = mergePage([whole(at(9), at(3)), { found: [at(8)], horizon: place(6) }, stretchOf([at(2)], 1)], 10);
    expect(nodes(page)).toEqual(['9a', '8a']);
    expect(page).toMatchObject({ more: true, cut: true, end: place(6) });
  });

  it('shows what lies at the horizon itself', () => {
    expect(nodes(mergePage([{ found: [at(6)], horizon: place(6) }, whole(at(6, 'b'))], 10))).toEqual(['6b', '6a']);
  });

  it('may be empty and have more behind it', () => {
    expect(mergePage([{ found: [], horizon: place(6) }, whole()], 10)).toEqual({
      shown: [],
      more: true,
      cut: true,
      end: place(6),
    });
    expect(mergePage([whole(), whole()], 10)).toEqual({ shown: [], more: false, cut: false, end: null });
  });

  it('leaves out nothing and shows nothing twice, whatever the sources hold and however far each looks', () => {
    let seed = 7;
    const next = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let course = 0; course < 200; course += 1) {
      const sources = Array.from({ length: 1 + next(4) }, (_, source) =>
        Array.from({ length: next(15) }, (_unused, index) =>
          at(next(40), `${source}${String(index).padStart(2, '0')}`),
        ),
      ).map((list) => list.sort((a, b) => (a.place.at + a.place.id < b.place.at + b.place.id ? 1 : -1)));
      const lookFrom = (list: Placed<string>[], after: Keyset | null, limit: number): Stretch<string> => {
        const rest = list.filter((one) => !after || one.place.at + one.place.id < after.at + after.id);
        const looked = rest.slice(0, limit);
        const horizon = looked.length < rest.length ? (looked.at(-1)?.place ?? null) : null;
        return { found: looked.filter(({ place: { id } }) => !id.endsWith('3')), horizon };
      };
      const first = 1 + next(5);
      const seen: string[] = [];
      for (let after: Keyset | null = null, more = true; more;) {
        const page = mergePage(
          sources.map((list) => lookFrom(list, after, 1 + next(6))),
          first,
        );
        expect(page.shown.length).toBeLessThanOrEqual(first);
        seen.push(...nodes(page));
        after = page.end;
        more = page.more;
      }
      const expected = sources
        .flat()
        .filter(({ place: { id } }) => !id.endsWith('3'))
        .sort((a, b) => (a.place.at + a.place.id < b.place.at + b.place.id ? 1 : -1));
      expect(seen).toEqual(expected.map(({ node }) => node));
    }
  });
});

describe('the sums of a page', () => {
  it('are by kind, of what is known, and say of how many it is not', () => {
    const entry = (kind: DriftKind, bytes: number | null, bytesCutShort = false) => ({ kind, bytes, bytesCutShort });
    expect(
      sumsOf([
        entry(DriftKind.LEFTOVER, 5),
        entry(DriftKind.FORGOTTEN, null),
        entry(DriftKind.LEFTOVER, 7, true),
        entry(DriftKind.LEFTOVER, 1),
      ]),
    ).toEqual([
      { kind: 'LEFTOVER', entries: 3, bytes: 13, ofUnknownSize: 1 },
      { kind: 'FORGOTTEN', entries: 1, bytes: 0, ofUnknownSize: 1 },
    ]);
  });
});
