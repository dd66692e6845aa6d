import type { Asked } from './client.js';
import type { DueSlot } from './clients.js';
import type { Received } from './follower.js';

/** Everything that is known after a run, from the four sides that must agree. Times are epoch ms. */
export interface RunRecord {
  flink: {
    savepointsMade: { jobId: string; triggerId: string; location: string; targetDirectory: string | null }[];
    /** Every trigger that arrived, repeats included; `stops`: at /stop. */
    triggers: { jobId: string; triggerId: string; stops: boolean }[];
    /** Jobs that were asked to end without a savepoint, repeats included. */
    cancels: string[];
    /** Ids that run calls named, repeats included, and what they were to start from. */
    runs: { jobId: string; savepointPath: string | null }[];
    jobs: { id: string; name: string; state: string; alive: boolean }[];
    jarIds: string[];
    /** Locations that it has deleted. */
    disposed: string[];
  };
  /** Locations in the storage that hold a `_metadata`: savepoints, and checkpoints that jobs have left. */
  stored: string[];
  checkpointsStored: string[];
  database: {
    savepoints: SavepointRow[];
    attempts: AttemptRow[];
    jobs: JobRow[];
    stops: StopRow[];
    slots: SlotRow[];
    deletions: DeletionRow[];
    /** Checkpoints that ended runs are known to have left. */
    retained: { job_id: string; location: string }[];
    deployments: { id: string; name: string; state: string; last_event: number; current_job_id: string | null }[];
    events: {
      deployment_id: string | null;
      number: number | null;
      type: string;
      savepoint_id: string | null;
      job_id: string | null;
      stop_id: string | null;
    }[];
    keys: { key: string; object_id: string }[];
  };
  client: { asked: Asked[]; slots: DueSlot[]; received: Received[] };
  /** What a fault is known to leave behind. */
  tolerated: {
    /** A worker that dies between an upload and the note of its jar leaves it on the cluster. */
    jarsLeft: number;
    /** The JobManager was restarted: savepoints fail of it, and what became of one may be lost, and said to be. */
    flinkRestarted: boolean;
    /** A run call was written down and never left: after 10 min the start has failed. */
    submissionLost: boolean;
  };
}

export interface SavepointRow {
  id: string;
  deployment_id: string;
  job_id: string;
  /** Of which it is the savepoint. */
  stop_id: string | null;
  /** Which has asked for it. */
  schedule_id: string | null;
  state: string;
  location: string | null;
  attempt: number;
  in_flight: boolean;
  failure_code: string | null;
  details: string | null;
  data: string;
  look_at: string | null;
  claimed_until: string | null;
  ended_at: number | null;
}

export interface AttemptRow {
  savepoint_id: string;
  number: number;
  trigger_id: string;
  directory: string;
  root: string;
  sends: number;
  ended: boolean;
  outcome: string | null;
}

export interface JobRow {
  id: string;
  deployment_id: string;
  run: number;
  flink_job_id: string;
  state: string;
  strategy: string;
  submission: number;
  failure_code: string | null;
  look_at: string | null;
  claimed_until: string | null;
  /** The end of what was asked for: it runs, or has failed. */
  ended_at: number | null;
  end_read: boolean;
}

export interface StopRow {
  id: string;
  deployment_id: string;
  job_id: string;
  mode: string;
  state: string;
  outcome: string | null;
  failure_code: string | null;
  look_at: string | null;
  claimed_until: string | null;
  ended_at: number | null;
}

export interface SlotRow {
  schedule_id: string;
  slot_at: number;
  count: number;
  outcome: string;
  reason: string | null;
  savepoint_id: string | null;
}

/** Its id is that of the savepoint. */
export interface DeletionRow {
  id: string;
  state: string;
  look_at: string | null;
  claimed_until: string | null;
  asked_at: number;
  ended_at: number | null;
}
