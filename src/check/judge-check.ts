import { backendOf } from '../compatibility/state-backend.js';
import type { CompatibilityVerdict } from '../compatibility/compatibility.types.js';
import { judgeRecorded } from '../compatibility/judge-recorded.js';
import { planKeyOf } from '../compatibility/program-plan.js';
import { rememberedPlan } from '../compatibility/program-plan.store.js';
import type { Sql } from '../db/database.js';
import { expectedBackend } from '../run/plan-restore.js';
import { makerOf } from '../run/restore.store.js';
import { DataState } from '../savepoint/savepoint.enums.js';
import type { SnapshotContents } from '../savepoint/snapshot-contents.js';
import { type ReadContents, readContents } from '../savepoint/snapshot-contents.store.js';
import type { CheckAtWork } from './check.store.js';

export interface Judged {
  verdict: CompatibilityVerdict;
  metadataReadAt: Date | null;
  plannedAt: Date | null;
}

/** The verdict by what has been read and planned. */
export async function judgeCheck(sql: Sql, work: CheckAtWork, planJars: boolean): Promise<Judged> {
  const { point, place, settings, cluster, deployment } = work;
  const kept =
    work.metadataLook === 'GONE'
      ? null
      : await readContents(sql, { savepointId: point.savepointId, places: place ? [place] : [] });
  const key = planKeyOf(settings, cluster);
  const plan = key && work.planSource !== null ? await rememberedPlan(sql, key) : null;
  const madeBy = point.jobId === null ? null : ((await makerOf(sql, point.jobId)) ?? null);
  const { flinkVersion, stateBackend, format } = point;
  const verdict = judgeRecorded(
    {
      contents: kept && contentsNow(kept, work),
      flinkVersion,
      stateBackend,
      format,
      data: DataState.NOT_CHECKED,
      unread: {
        why: work.metadataTrouble ?? 'its _metadata could not be read',
        gone: work.metadataLook === 'GONE',
      },
    },
    {
      plan,
      settings,
      cluster,
      stateBackend: deployment
        ? await expectedBackend(sql, deployment, cluster, settings)
        : backendOf(settings.flinkConfiguration, cluster.configuration),
      allowNonRestoredState: work.allowNonRestoredState,
      madeWith: madeBy,
      unplanned: planJars
        ? 'the cluster runs another version or configuration than it was planned on. Ask again'
        : 'no Flink has planned it yet with these settings, and none is asked to (STATEWARD_PLAN_JARS is false)',
    },
  );
  return { verdict, metadataReadAt: kept?.readAt ?? null, plannedAt: plan?.plannedAt ?? null };
}

/** What was read earlier, where it could not be read now: what it says holds on, but that its files are there. */
function contentsNow({ contents }: ReadContents, { metadataLook }: CheckAtWork): SnapshotContents {
  if (metadataLook === 'READ' || contents.source === 'REST') return contents;
  const { files } = contents;
  return { ...contents, files: { ...files, damaged: 0, notReached: Math.max(1, files.files) } };
}
