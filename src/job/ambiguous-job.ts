import { Field, ObjectType } from 'type-graphql';
import { UserError } from '../api/user-error.js';
import type { Sql } from '../db/database.js';

@ObjectType({
  implements: UserError,
  description:
    'Declined: the deployment follows a job by its name, and two jobs have it. Cancel the one that should not run.',
})
export class AmbiguousJob extends UserError {
  override readonly code = 'AMBIGUOUS_JOB' as const;
  override readonly message: string;

  @Field(() => [String], { description: "Flink's ids of the jobs that bear the name." })
  readonly flinkJobIds: string[];

  constructor(name: string, followedName: string, flinkJobIds: string[]) {
    super();
    this.flinkJobIds = flinkJobIds;
    this.message = `Deployment "${name}" follows the job that runs as "${followedName}", and ${flinkJobIds.length} do: ${flinkJobIds.join(', ')}. Nothing is done to either until one is left: cancel the other in Flink.`;
  }
}

/** The refusal of whatever would act on the job of a deployment whose name two jobs bear; null: there is no doubt. */
export async function ambiguityOf(sql: Sql, deploymentId: string): Promise<AmbiguousJob | null> {
  const row = await sql.row<{ name: string; followed: string; ids: string[] }>(
    `select d.name, d.adopted_job_name as followed,
            array(select f.flink_job_id from foreign_job f where f.cluster_id = d.cluster_id and f.name = d.adopted_job_name
                  union select j.flink_job_id from job j where j.id = d.current_job_id and j.state in ('INITIALIZING', 'RUNNING', 'RESTARTING', 'STOPPING')
                  order by 1) as ids
       from deployment d where d.id = $1 and d.ambiguous_since is not null`,
    [deploymentId],
  );
  return row ? new AmbiguousJob(row.name, row.followed, row.ids) : null;
}
