import { NOW } from '../db/assign.js';
import { type Claim, fencedWrite } from '../db/claims.js';
import type { Database, Transaction } from '../db/database.js';
import { findForDecision } from '../deployment/find-deployment.js';
import { EventType } from '../event/event-types.js';
import { type NewEvent, recordInOrder } from '../event/record-event.js';
import { JobState } from '../job/job.entity.js';
import { findSavepoint } from '../savepoint/find-savepoint.js';
import type { SnapshotLook } from '../savepoint/look-at-snapshot.js';
import { DataState } from '../savepoint/savepoint.enums.js';
import { contentsOf } from '../savepoint/snapshot-contents.js';
import { keepContents } from '../savepoint/snapshot-contents.store.js';
import { wakeRetention } from '../savepoint/wake-retention.js';
import type { SubmissionAtWork } from './run.store.js';
import type { StateFinding, StateToLookAt } from './state-finding.js';
import { noteDataOfRetained, noteDataOfSavepoint } from './state-look.store.js';

/** Writes down what a look at the state of a start has come to: of the start, and of what it is to start from. */
export async function noteStateLook(
  database: Database,
  work: SubmissionAtWork,
  claim: Claim,
  state: StateToLookAt,
  look: SnapshotLook,
  { data, result, why }: StateFinding,
): Promise<void> {
  await database.transaction(async (tx) => {
    const noteworthy = await noteData(tx, work, look, { data, why });
    if (look.kind === 'READ') {
      const key = work.startSavepointId === null ? state.place : { savepointId: work.startSavepointId };
      if (key) await keepContents(tx, key, contentsOf(look.inspection));
    }
    const noted = { state_look: JSON.stringify({ result, why }), state_looked_at: NOW, state_look_awaited_since: null };
    await fencedWrite(tx, claim, [JobState.SUBMITTING], noted, 'HOLD');
    if (noteworthy.deploymentId !== null) await wakeRetention(tx, [noteworthy.deploymentId]);
    await recordInOrder(tx, noteworthy.events);
  });
}

interface Noteworthy {
  /** Cleaning of its savepoints may go on by what is known now. */
  deploymentId: string | null;
  events: NewEvent[];
}
const NOTHING: Noteworthy = { deploymentId: null, events: [] };

/** Locks what comes before the run's row. */
async function noteData(
  tx: Transaction,
  { startSavepointId, startJobId, startCheckpointId }: SubmissionAtWork,
  look: SnapshotLook,
  { data, why }: Pick<StateFinding, 'data' | 'why'>,
): Promise<Noteworthy> {
  if (startSavepointId === null) {
    // That files of it are damaged is told by its contents: of what runs leave behind no more is kept than whether it is there.
    const there = isMetadataThere(look, data);
    if (there !== null && startJobId !== null && startCheckpointId !== null)
      await noteDataOfRetained(tx, startJobId, startCheckpointId, there ? 'PRESENT' : 'MISSING');
    return NOTHING;
  }
  if (data === DataState.NOT_CHECKED) return NOTHING;
  const savepoint = await findSavepoint(tx, startSavepointId);
  if (!savepoint) return NOTHING;
  const { id, deploymentId, location } = savepoint;
  if (deploymentId !== null) await findForDecision(tx, deploymentId); // as a cleaning pass does, before it locks its policy and this row
  if (!(await noteDataOfSavepoint(tx, id, data))) return NOTHING;
  if (data === DataState.PRESENT && savepoint.data === DataState.NOT_CHECKED) return { deploymentId, events: [] };
  const about = { deploymentId, savepointId: id, jobId: savepoint.jobId, storageId: savepoint.storageId };
  const event = { ...about, ...EVENTS[data as keyof typeof EVENTS](`savepoint ${id}`, location ?? '', why ?? '') };
  return { deploymentId, events: [event] };
}

/** null: it cannot be told. What was seen counts, also where files of it lie out of reach. */
function isMetadataThere({ kind }: SnapshotLook, data: DataState): boolean | null {
  if (kind === 'READ' || kind === 'NOT_METADATA') return true;
  return data === DataState.MISSING ? false : null;
}

const EVENTS = {
  [DataState.PRESENT]: (what: string, location: string) => ({
    type: EventType.SAVEPOINT_DATA_FOUND,
    message: `The data of ${what} are whole at ${location}: it can be restored from.`,
  }),
  [DataState.MISSING]: (what: string, location: string) => ({
    type: EventType.SAVEPOINT_DATA_MISSING,
    message: `Before a start the data of ${what} were not found at ${location}: it is not restored from.`,
  }),
  [DataState.DAMAGED]: (what: string, location: string, why: string) => ({
    type: EventType.SAVEPOINT_DATA_DAMAGED,
    message: `Before a start the data of ${what} at ${location} were found damaged: ${why}. Bring them back, then recheckSavepoint.`,
  }),
};
