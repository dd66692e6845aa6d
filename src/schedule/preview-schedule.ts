import { checkId } from '../api/id-arg.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import { findCluster } from '../cluster/find-cluster.js';
import { findDeployment } from '../deployment/find-deployment.js';
import { AppError } from '../errors.js';
import { comingSlots } from './coming-slots.js';
import { describeCron } from './cron-sentence.js';
import { planSchedule } from './plan-schedule.js';
import { readSettings } from './schedule-settings.js';
import { type PreviewScheduleResult, SchedulePreview } from './schedule-preview.types.js';
import { InvalidCron, type ScheduleInput } from './schedule.types.js';
import type { ScheduleDeps } from './set-schedule.js';

export const MOST_SHOWN = 100;

/** What a schedule would do, if it were set now. Sets nothing. */
export async function previewSchedule(
  { database, config: { leastSlotIntervalMs: floorMs } }: ScheduleDeps,
  input: ScheduleInput,
  count: number,
  deploymentId: string | null,
): Promise<PreviewScheduleResult> {
  checkCount(count);
  if (deploymentId !== null) checkId('deploymentId', deploymentId);
  const settings = readSettings(input, floorMs);
  if (settings instanceof InvalidCron || settings instanceof InvalidInput) return settings;
  const deployment = deploymentId === null ? null : await findDeployment(database, deploymentId);
  if (deploymentId !== null && (!deployment || deployment.archivedAt))
    return new NotFound('deploymentId', 'deployment', deploymentId);
  const cluster = deployment && (await findCluster(database, deployment.clusterId));
  const of = deployment && cluster ? { deployment, cluster } : null;
  const plan = await planSchedule(database, settings, floorMs, of);
  if ('code' in plan) return plan;
  return Object.assign(new SchedulePreview(), {
    sentence: describeCron(settings.cron, settings.zone, floorMs),
    clamped: plan.clamped,
    nextSlots: comingSlots(plan.coming.slice(0, count), settings, of?.deployment.id ?? null),
    warnings: plan.warnings,
  });
}

export function checkCount(count: number): void {
  if (count < 1 || count > MOST_SHOWN)
    throw new AppError('BAD_USER_INPUT', `count: ${count} is not between 1 and ${MOST_SHOWN}.`);
}
