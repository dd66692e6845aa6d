import type { Sql } from '../db/database.js';
import { SavepointSchedule } from './schedule.entity.js';

export { lockScheduleOf } from './schedule.store.js';

/** What others may ask of schedules. */
export const findSchedule = (sql: Sql, id: string) =>
  sql.entity(SavepointSchedule, 'select * from savepoint_schedule where id = $1', [id]);
export const findSchedules = (sql: Sql, ids: readonly string[]) =>
  sql.entities(SavepointSchedule, 'select * from savepoint_schedule where id = any($1)', [ids]);

/** Those in force of these deployments. */
export const findSchedulesOf = (sql: Sql, deploymentIds: readonly string[]) =>
  sql.entities(
    SavepointSchedule,
    'select * from savepoint_schedule where deployment_id = any($1) and removed_at is null',
    [deploymentIds],
  );
