import type { Database } from '../db/database.js';
import type { Event } from './event.entity.js';
import { eventsAfter } from './event.store.js';

export const EVENTS_AT_ONCE = 100;

/** One read serves every follower that stands at the same place: 200 followers of one deployment cost one query per event. */
export class EventReader {
  private readonly inFlight = new Map<string, Promise<Event[]>>();

  constructor(private readonly database: Database) {}

  after(deploymentId: string, number: number): Promise<Event[]> {
    const key = `${deploymentId}:${number}`;
    const known = this.inFlight.get(key);
    if (known) return known;
    const read = eventsAfter(this.database, deploymentId, number, EVENTS_AT_ONCE).finally(() =>
      this.inFlight.delete(key),
    );
    this.inFlight.set(key, read);
    return read;
  }
}
