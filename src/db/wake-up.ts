/** What PostgreSQL takes in one notification is below 8,000 bytes; a topic has up to 50. */
const TOPICS_TOGETHER = 100;

/**
 * A statement that wakes whoever waits for one of some topics, once the transaction commits. `topics`: a query of one text column.
 * Many go in one notification, apart by spaces: each one is delivered to every process by itself, and thousands cost more than what
 * they tell of.
 */
export const wakeUpFor = (topics: string): string =>
  `select pg_notify('stateward', string_agg(topic, ' '))
     from (select topic, row_number() over () / ${TOPICS_TOGETHER} as packet from (${topics}) as t(topic)) p group by packet`;

/** The topics of one notification. */
export const topicsOf = (payload: string): string[] => payload.split(' ');
