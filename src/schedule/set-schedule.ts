import { randomUUID } from 'node:crypto';
import { answerOnce } from '../api/answer-once.js';
import { checkId } from '../api/id-arg.js';
import { InvalidInput, NotFound } from '../api/user-error.js';
import type { Cluster } from '../cluster/cluster.entity.js';
import type { Database, Transaction } from '../db/database.js';
import type { Caller, KeyedRequest } from '../db/idempotency.js';
import type { Deployment } from '../deployment/deployment.entity.js';
import { findForDecision } from '../deployment/find-deployment.js';
import { EventType } from '../event/event-types.js';
import { recordInOrder } from '../event/record-event.js';
import { admitTo } from '../savepoint/admit-savepoints.js';
import { describeCron } from './cron-sentence.js';
import { endSchedule } from './end-schedule.js';
import { findSchedule } from './find-schedule.js';
import { planSchedule } from './plan-schedule.js';
import type { SavepointSchedule } from './schedule.entity.js';
import { isSame, readSettings, type ScheduleSettings, storedBlackouts } from './schedule-settings.js';
import { insertSchedule, lockScheduleOf, wakeSlotWatchers } from './schedule.store.js';
import { InvalidCron, type SetSavepointScheduleInput, type SetSavepointScheduleResult } from './schedule.types.js';
import { isUnreadable, readStored } from './stored-schedule.js';

export interface ScheduleDeps {
  database: Database;
  config: { leastSlotIntervalMs: number };
}

type Refusal = Exclude<SetSavepointScheduleResult, SavepointSchedule>;

/** Gives a deployment its schedule, in the place of the one that it has. The same once more changes nothing. */
export async function setSchedule(
  { database, config: { leastSlotIntervalMs: floorMs } }: ScheduleDeps,
  input: SetSavepointScheduleInput,
  caller: Caller,
): Promise<SetSavepointScheduleResult> {
  checkId('deploymentId', input.deploymentId);
  const settings = readSettings(input.schedule, floorMs);
  if (settings instanceof InvalidCron || settings instanceof InvalidInput) return settings;
  const { idempotencyKey } = input;
  const request: KeyedRequest = { caller, idempotencyKey, mutation: 'setSavepointSchedule', input };
  return answerOnce<SavepointSchedule, Refusal>(database, request, findSchedule, async (tx) => {
    const found = await findForDecision(tx, input.deploymentId);
    if (!found || found.deployment.archivedAt) return new NotFound('deploymentId', 'deployment', input.deploymentId);
    const current = await lockScheduleOf(tx, input.deploymentId);
    const stored = current && readStored(current);
    if (current && stored && !isUnreadable(stored) && isSame(stored, settings)) return current.id;
    return replace(tx, settings, { ...found, current, floorMs, actor: caller.actor });
  });
}

interface Place {
  deployment: Deployment;
  cluster: Cluster;
  current: SavepointSchedule | null;
  floorMs: number;
  actor: string;
}

async function replace(
  tx: Transaction,
  settings: ScheduleSettings,
  { deployment, cluster, current, floorMs, actor }: Place,
): Promise<string | Refusal> {
  const plan = await planSchedule(tx, settings, floorMs, { deployment, cluster });
  if ('code' in plan) return plan;
  const ended = current ? await endSchedule(tx, current, cluster, actor, floorMs) : [];
  const id = randomUUID();
  const { cron, zone, catchUp, jitterSeconds, attempts, format } = settings;
  const next = plan.coming[0] ?? null;
  await insertSchedule(tx, {
    id,
    deploymentId: deployment.id,
    expression: cron.text,
    zone,
    catchUp,
    jitterSeconds,
    blackouts: storedBlackouts(settings),
    attempts,
    format,
    pausedAt: current?.pausedAt ?? null,
    pausedBy: current?.pausedBy ?? null,
    pauseReason: current?.pauseReason ?? null,
    actor,
    warnings: plan.warnings,
    meanIntervalMs: plan.meanIntervalMs,
    lastSlotAt: plan.previous === null ? null : new Date(plan.previous),
    nextSlotAt: next === null ? null : new Date(next),
  });
  await wakeSlotWatchers(tx);
  const admitted = await admitTo(tx, cluster, 0);
  const warned = plan.warnings.map(({ code }) => code).join(', ');
  await recordInOrder(tx, [
    ...ended,
    {
      type: EventType.SCHEDULE_SET,
      deploymentId: deployment.id,
      clusterId: cluster.id,
      actor,
      message:
        `${deployment.name} has ${current ? 'another' : 'a'} schedule, set by ${actor}: "${cron.text}", which is ${lowerFirst(describeCron(cron, zone))}. ` +
        `Its next slot is ${next === null ? 'none' : new Date(next).toISOString()}${current?.pausedAt ? '; it is paused' : ''}.${warned ? ` Warnings: ${warned}.` : ''}`,
      details: { scheduleId: id, replaces: current?.id ?? null },
    },
    ...admitted,
  ]);
  return id;
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
