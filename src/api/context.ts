import { randomUUID } from 'node:crypto';
import type { Caller } from '../db/idempotency.js';
import type { Services } from '../services.js';
import { createLoaders, type Loaders } from './loaders.js';

/** What every resolver of one operation gets. */
export interface Context {
  services: Services;
  caller: Caller;
  loaders: Loaders;
  /** Aborted when the client has gone away or the server stops: whoever waits, stops waiting. */
  signal: AbortSignal;
}

export function createContext(services: Services, actor: string, signal: AbortSignal): Context {
  return { services, caller: { actor, requestId: randomUUID() }, loaders: createLoaders(services.database), signal };
}
