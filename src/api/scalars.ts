import { GraphQLDateTime, GraphQLSafeInt } from 'graphql-scalars';

/** Integers that are exact to 2^53: durations in ms (`…Ms`) and sizes in bytes (`…Bytes`), which GraphQL's 32-bit Int cannot hold. */
export const SafeInt = GraphQLSafeInt;
/** RFC 3339, UTC, with milliseconds. */
export const DateTime = GraphQLDateTime;
