import { afterAll, beforeAll } from '@jest/globals';
import { ChangingJobs, type TakenSnapshot } from './changing-job.js';
import { OLD_PROGRAMS, type OldProgram, type SnapshotName, SNAPSHOTS_OF } from './job-changes.js';
import { REAL_FLINK_START_MS, startRealFlink } from './real-flink.js';

/** Everything is there when the first test begins. */
export interface ChangesScene {
  jobs: ChangingJobs;
  snapshots: Record<SnapshotName, TakenSnapshot>;
}

/** A real cluster, and snapshots that jobs on it have left behind. */
export function sceneOfChanges(version: '2.3.0' | '1.20.5'): ChangesScene {
  const scene: Partial<ChangesScene> = {};
  beforeAll(async () => {
    const real = await startRealFlink({
      version,
      slots: 24,
      configuration: {
        // What fails stays so.
        'restart-strategy.type': 'none',
        'web.refresh-interval': '100',
        'execution.checkpointing.interval': '500 ms',
        'execution.checkpointing.incremental': 'true',
        // Low, so that some of such small states lies in files, and some within `_metadata`.
        'execution.checkpointing.data-inline-threshold': '1 kb',
      },
    });
    scene.jobs = await ChangingJobs.on(real);
    scene.snapshots = await takeSnapshots(scene.jobs);
  }, REAL_FLINK_START_MS);
  afterAll(async () => {
    await scene.jobs?.client.close();
    await scene.jobs?.real.stop();
  }, 60_000);
  return scene as ChangesScene;
}

/** All of {@link SNAPSHOTS_OF}, each job ended. */
async function takeSnapshots(jobs: ChangingJobs): Promise<Record<SnapshotName, TakenSnapshot>> {
  const taken: Partial<Record<SnapshotName, TakenSnapshot>> = {};
  await Promise.all(
    (Object.keys(OLD_PROGRAMS) as OldProgram[]).map(async (old) => {
      const program = OLD_PROGRAMS[old];
      const jobId = await jobs.start(program);
      for (const kind of SNAPSHOTS_OF[old])
        taken[`${old} ${kind}`] =
          kind === 'CHECKPOINT'
            ? await jobs.retainedCheckpoint(jobId, program)
            : await jobs.savepoint(jobId, program, kind);
      if (!SNAPSHOTS_OF[old].includes('CHECKPOINT')) await jobs.cancel(jobId);
    }),
  );
  return taken as Record<SnapshotName, TakenSnapshot>;
}
