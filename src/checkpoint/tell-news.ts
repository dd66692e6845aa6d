import { EventType } from '../event/event-types.js';
import type { NewEvent } from '../event/record-event.js';
import type { News } from './account.types.js';

interface About {
  jobId: string;
  deploymentId: string;
  clusterId: string;
  run: number;
}

export function eventOf({ run, ...about }: About, news: News): NewEvent {
  const { entry } = news;
  const details = { checkpointId: entry.id };
  switch (news.what) {
    case 'FIRST_COMPLETED':
      return {
        ...about,
        details,
        type: EventType.CHECKPOINT_FIRST_COMPLETED,
        message: `The first checkpoint of run ${run} has completed: checkpoint ${entry.id}, ${entry.stateBytes} bytes, ${entry.durationMs ?? 'unknown'} ms.`,
      };
    case 'FAILED':
      return {
        ...about,
        details,
        type: EventType.CHECKPOINT_FAILED,
        message:
          `Checkpoint ${entry.id} of run ${run} failed: ${reasonOf(entry.failureMessage)} The last good one is checkpoint ` +
          `${news.lastCompleted.id}. Nothing more is said until one completes again.`,
      };
    case 'RECOVERED':
      return {
        ...about,
        details: { ...details, failures: news.failures },
        type: EventType.CHECKPOINT_RECOVERED,
        message: `Checkpoint ${entry.id} of run ${run} has completed, after ${news.failures} in a row had failed.`,
      };
  }
}

const LONGEST = 300;

function reasonOf(message: string | null): string {
  const text = (message ?? 'Flink gives no reason').split('\n')[0]?.trim().slice(0, LONGEST) ?? '';
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
