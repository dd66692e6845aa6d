import { backendOf, isBackendSet } from '../compatibility/state-backend.js';
import {
  CompatibilityCode,
  type CompatibilityFinding,
  type CompatibilityVerdict,
} from '../compatibility/compatibility.types.js';
import { judgeRecorded } from '../compatibility/judge-recorded.js';
import { planKeyOf } from '../compatibility/program-plan.js';
import { rememberedPlan } from '../compatibility/program-plan.store.js';
import { Severity } from '../compatibility/verdict.js';
import type { Sql } from '../db/database.js';
import { expectedBackend } from '../run/plan-restore.js';
import { makerOf } from '../run/restore.store.js';
import { withoutStop } from '../savepoint/data-of-look.js';
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
  const readAt = kept?.contents.source === 'METADATA' ? kept.readAt : null;
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
        : isBackendSet(settings.flinkConfiguration, cluster.configuration)
          ? backendOf(settings.flinkConfiguration, cluster.configuration)
          : null,
      allowNonRestoredState: work.allowNonRestoredState,
      madeWith: madeBy,
      unplanned: whyUnplanned(work, planJars),
    },
  );
  const findings = [...aboutTheLook(work, readAt), ...verdict.findings];
  return { verdict: { ...verdict, findings }, metadataReadAt: readAt, plannedAt: plan?.plannedAt ?? null };
}

function whyUnplanned({ planSource }: CheckAtWork, planJars: boolean): string {
  if (!planJars)
    return 'no Flink has planned it yet with these settings, and none is asked to (STATEWARD_PLAN_JARS is false)';
  if (planSource === null) return 'its main() was not run, since Flink refuses this state whatever the program is';
  return 'the cluster runs another version or configuration than it was planned on. Ask again';
}

/** Whether the format of the state is too new for the cluster, whatever the program is. */
export async function isTooNew(sql: Sql, work: CheckAtWork, planJars: boolean): Promise<boolean> {
  const { verdict } = await judgeCheck(sql, work, planJars);
  return verdict.findings.some(({ code }) => code === CompatibilityCode.METADATA_TOO_NEW);
}

/** What the look of this check has told beside what is kept. */
function aboutTheLook(
  { metadataLook, metadataTrouble: trouble }: CheckAtWork,
  readAt: Date | null,
): CompatibilityFinding[] {
  if (trouble === null || readAt === null) return [];
  const about = { severity: Severity.WARNING, operator: null, stateBytes: 0 };
  if (metadataLook === 'READ')
    return [
      {
        ...about,
        code: CompatibilityCode.FILES_DAMAGED,
        message: `${trouble}. It is a checkpoint of a live job, which Flink may have deleted meanwhile: that proves no damage.`,
        remedy: 'To know that all files are there, take a savepoint, and ask about that.',
      },
    ];
  return [
    {
      ...about,
      code: CompatibilityCode.NO_METADATA,
      message: `It could not be read this time (${withoutStop(trouble)}), and is judged by what was read of it at ${readAt.toISOString()}.`,
      remedy: 'Make its _metadata readable from here, and ask again.',
    },
  ];
}

/** What was read earlier, where it could not be read now: what it says holds on, but that its files are there. */
function contentsNow({ contents }: ReadContents, { metadataLook }: CheckAtWork): SnapshotContents {
  if (metadataLook === 'READ' || contents.source === 'REST') return contents;
  const { files } = contents;
  return { ...contents, files: { ...files, notReached: Math.max(1, files.files - files.damaged) } };
}
