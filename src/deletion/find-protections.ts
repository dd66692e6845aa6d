import type { Database } from '../db/database.js';
import { databaseNow } from './deletion.store.js';
import { type Protection, protectionsOf, type Whose } from './protection.js';
import { readProtectionFacts } from './protection-facts.js';

/** Of all savepoints that are listed with a deployment, or of one alone: what protects each, by its id; those that nothing does are left out. */
export async function findProtections(database: Database, whose: Whose): Promise<Map<string, Protection[]>> {
  return protectionsOf(await readProtectionFacts(database, whose), await databaseNow(database));
}
