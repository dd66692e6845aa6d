/** Epoch ms on the database's clock. */
export const epoch = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`;

/** For a person: run `j` of deployment `d`. */
export const named = (j: string, d: string) => `'run ' || ${j}.run || ' of deployment "' || ${d}.name || '"'`;

/** What run `j` has left and is still there. */
export const leftOf = (j: string) => `coalesce((
  select jsonb_agg(jsonb_build_object('flinkCheckpointId', r.flink_checkpoint_id, 'location', r.location, 'bytes', r.state_bytes) order by r.flink_checkpoint_id)
    from retained_checkpoint r where r.job_id = ${j}.id and r.kind = 'CHECKPOINT' and r.data <> 'MISSING'), '[]')`;

/** The newest completed checkpoint of the run whose `job_checkpoints` are `a`; null: none is recorded. */
export const lastCompletedOf = (a: string) =>
  `case when ${a}.last_completed_id is not null then jsonb_build_object('id', ${a}.last_completed_id, 'location', ${a}.last_completed_location) end`;

export const STOPPED = `('CANCELLED', 'FINISHED', 'FAILED')`;
