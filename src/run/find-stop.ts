import type { Sql } from '../db/database.js';
import { Stop } from './stop.entity.js';

/** What others may ask of stops. */
export const findStop = (sql: Sql, id: string) => sql.entity(Stop, 'select * from stop where id = $1', [id]);

/** Those under way, of the current runs of these deployments. */
export const findCurrentStops = (sql: Sql, deploymentIds: readonly string[]) =>
  sql.entities(
    Stop,
    `select s.* from stop s join deployment d on d.current_job_id = s.job_id
      where d.id = any($1) and s.state in ('WAITING', 'IN_PROGRESS')`,
    [deploymentIds],
  );
