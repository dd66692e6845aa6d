import type { RunRecord } from './record.js';

/** Numbers 1 to n in the database, and the same to whoever followed, breaks of his connection included. */
export function checkEvents({ database, client }: RunRecord): string[] {
  const found: string[] = [];
  for (const { id, last_event: last } of database.deployments) {
    const told = database.events.filter((event) => event.deployment_id === id);
    const stored = told.map(({ number }) => number ?? 0).sort((a, b) => a - b);
    const say = (text: string) => found.push(`I6 deployment ${id}: ${text}`);
    if (!isWhole(stored)) say(`its events in the database are numbered ${stored.join(', ')}`);
    if (stored.length !== last) say(`it counts ${last} events, and ${stored.length} are in the database`);
    const seen = client.received.filter(({ deploymentId }) => deploymentId === id);
    const numbers = seen.map(({ number }) => number);
    if (!isWhole(numbers)) say(`its follower got events ${numbers.join(', ')}`);
    if (numbers.length !== stored.length) say(`its follower got ${numbers.length} of ${stored.length} events`);
    if (seen.some(({ missedBefore }) => missedBefore)) say('its follower was told of events that are gone');
  }
  return found;
}

const isWhole = (numbers: number[]): boolean => numbers.every((number, index) => number === index + 1);
