import { ArgsType, Field, Int, ObjectType, type ClassType } from 'type-graphql';
import type { Keyset, Page, Placed } from '../db/pages.js';
import { AppError } from '../errors.js';

/** Nobody gets more at once; limits.ts asks for it before anything runs. */
export const LARGEST_PAGE = 100;

@ObjectType({ description: 'Where a page of a list ends.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether there are more behind this page.' })
  hasNextPage!: boolean;

  @Field(() => String, { nullable: true, description: 'Give it as `after` to go on.' })
  endCursor!: string | null;
}

export interface Connection<T> {
  edges: { cursor: string; node: T }[];
  pageInfo: PageInfo;
}

@ArgsType()
export class PageArgs {
  @Field(() => Int, { defaultValue: 20, description: 'How many, 1 to 100.' })
  first!: number;

  @Field(() => String, { nullable: true, description: 'endCursor of the page before.' })
  after?: string | null;
}

/** The two Relay classes of one noun. */
export function connectionOf<T extends object>(name: string, node: () => ClassType<T>): ClassType<Connection<T>> {
  @ObjectType(`${name}Edge`, { description: `One ${name} in a page, with its place in the list.` })
  class Edge {
    @Field(() => String, { description: 'Give it as `after` to go on behind this one.' })
    cursor!: string;

    @Field(node, { description: `The ${name}.` })
    node!: T;
  }
  @ObjectType(`${name}Connection`, { description: `A page of ${name}s.` })
  class NounConnection {
    @Field(() => [Edge], { description: 'What the page holds, in the order of the list.' })
    edges!: Edge[];

    @Field(() => PageInfo, { description: 'Where the page ends, and whether there are more.' })
    pageInfo!: PageInfo;
  }
  return NounConnection as ClassType<Connection<T>>;
}

/** Checks `first` and reads `after`. Throws BAD_USER_INPUT naming the argument. */
export function toPage({ first, after }: PageArgs): Page {
  if (first < 1 || first > LARGEST_PAGE)
    throw new AppError('BAD_USER_INPUT', `first: ${first} is not between 1 and ${LARGEST_PAGE}.`);
  return { first, after: after ? readCursor(after) : null };
}

export const cursorOf = ({ at, id }: Keyset) => Buffer.from(`${at}|${id}`).toString('base64url');

function readCursor(cursor: string): Keyset {
  const [, at, id] =
    /^(\d{4}-\d\d-\d\dT[\d:.]+Z)\|([0-9a-f-]{1,36})$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (!at || !id)
    throw new AppError(
      'BAD_USER_INPUT',
      'after: this is not a cursor of such a list. Use endCursor of the page before.',
    );
  return { at, id };
}

/** `rows` holds one more than asked for, if there is more. */
export function toConnection<T>(rows: Placed<T>[], first: number): Connection<T> {
  const edges = rows.slice(0, first).map(({ node, place }) => ({ cursor: cursorOf(place), node }));
  return { edges, pageInfo: { hasNextPage: rows.length > first, endCursor: edges.at(-1)?.cursor ?? null } };
}
