import { z } from 'zod';
import { defineTask } from './define-task.js';

/** Takes the step that the state of a savepoint allows. */
export const advanceSavepoint = defineTask({
  name: 'advance-savepoint',
  payload: z.object({ savepointId: z.uuid() }),
  key: ({ savepointId }) => savepointId,
  attempts: 8,
  backoffMs: 1_000,
  concurrency: 20,
});

/** Takes the step that the state of a job's submission allows. */
export const advanceStart = defineTask({
  name: 'advance-start',
  payload: z.object({ jobId: z.uuid() }),
  key: ({ jobId }) => jobId,
  attempts: 8,
  backoffMs: 1_000,
  concurrency: 4,
});

/** Takes the step that the state of a stop allows. */
export const advanceStop = defineTask({
  name: 'advance-stop',
  payload: z.object({ stopId: z.uuid() }),
  key: ({ stopId }) => stopId,
  attempts: 8,
  backoffMs: 1_000,
  concurrency: 10,
});

/** Takes the step that the state of a deletion allows. */
export const advanceDeletion = defineTask({
  name: 'advance-deletion',
  payload: z.object({ savepointId: z.uuid() }),
  key: ({ savepointId }) => savepointId,
  attempts: 8,
  backoffMs: 1_000,
  concurrency: 10,
});

/** Takes the step that the state of a compatibility check allows. */
export const advanceCheck = defineTask({
  name: 'advance-check',
  payload: z.object({ checkId: z.uuid() }),
  key: ({ checkId }) => checkId,
  attempts: 8,
  backoffMs: 1_000,
  concurrency: 4,
});

/** Drops what is not needed any more, if it is due. The queue repeats it; a worker's own timer does too, more seldom. */
export const keepHouse = defineTask({
  name: 'keep-house',
  payload: z.object({}),
  key: () => 'keep-house',
  attempts: 1,
  backoffMs: 1_000,
  concurrency: 1,
});

/** Has every worker look whether slots of schedules are due. They look by themselves too, at the latest every 5 s. */
export const decideSlots = defineTask({
  name: 'decide-slots',
  payload: z.object({}),
  key: () => 'decide-slots',
  attempts: 1,
  backoffMs: 1_000,
  concurrency: 1,
});

export const tasks = {
  advanceSavepoint,
  advanceStart,
  advanceStop,
  advanceDeletion,
  advanceCheck,
  keepHouse,
  decideSlots,
};
export type Tasks = typeof tasks;
