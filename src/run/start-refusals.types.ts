import { Field, ID, ObjectType } from 'type-graphql';
import { DateTime, SafeInt } from '../api/scalars.js';
import { UserError } from '../api/user-error.js';
import { CompatibilityFinding } from '../compatibility/compatibility-verdict.types.js';
import { type LiveWriter, writerInWords } from '../job/live-writer.js';

/** What a verdict is about, and how old what it goes by is. */
export interface JudgedState {
  location: string;
  readAt: Date | null;
  plannedAt: Date | null;
}

function asOf({ readAt, plannedAt }: JudgedState): string {
  const read = readAt && `its _metadata as read at ${readAt.toISOString()}`;
  const planned = plannedAt && `the program as planned at ${plannedAt.toISOString()}`;
  const by = [read, planned].filter((text) => text !== null);
  return by.length === 0
    ? ''
    : ` That is by ${by.join(', and ')}: checkCompatibility with fresh: true looks at both again.`;
}

/** Of the reasons against a start; a wide job may have one for each operator. */
const TOLD = 10;

@ObjectType({
  implements: UserError,
  description:
    'Declined: there is no state that the strategy could take. A job never starts empty by accident: name another state, or say NONE.',
})
export class NoRestorableState extends UserError {
  override readonly code = 'NO_RESTORABLE_STATE' as const;
  override readonly message: string;

  constructor(deploymentName: string, why: string) {
    super();
    this.message = `${deploymentName} has no state to start from: ${why}. Name a savepoint, checkpoint or location, or start without state by NONE, in so many words.`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: the last run finished by itself or was drained, so that going on from it is seldom meant. Name the state if it is.',
})
export class JobHadFinished extends UserError {
  override readonly code = 'JOB_HAD_FINISHED' as const;
  override readonly message: string;

  @Field(() => ID, { description: 'The run that had finished.' })
  readonly jobId: string;

  @Field(() => [ID], { description: 'Savepoints of that run, newest first.' })
  readonly savepointIds: string[];

  constructor(jobId: string, run: number, drained: boolean, savepointIds: string[]) {
    super();
    this.jobId = jobId;
    this.savepointIds = savepointIds;
    this.message =
      `Run ${run} ${drained ? 'was stopped with drain' : 'had finished by itself'}: its data was at an end. ` +
      `To go on all the same, name the state with FROM_SAVEPOINT, FROM_CHECKPOINT or FROM_LOCATION${savepointIds[0] ? ` (its newest savepoint is ${savepointIds[0]})` : ''}.`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: Flink still owns this checkpoint and may delete it at any moment. Take a savepoint, or stop the job first.',
})
export class CheckpointOfLiveJob extends UserError {
  override readonly code = 'CHECKPOINT_OF_LIVE_JOB' as const;
  override readonly message: string;

  @Field(() => ID, {
    nullable: true,
    description: 'The run that is alive; null: a job that is no run of Stateward (adoptJob makes it one).',
  })
  readonly jobId: string | null;

  @Field(() => String, { description: "Flink's id of the job that is alive." })
  readonly flinkJobId: string;

  constructor(writer: LiveWriter) {
    super();
    this.jobId = writer.jobId;
    this.flinkJobId = writer.flinkJobId;
    this.message = `It is a checkpoint of a live job: ${writerInWords(writer)}, and Flink deletes a checkpoint when newer ones have completed. Take a savepoint and start from that, or stop the job first.`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: the record may not reach to the end of the last run, so that newer state may exist. Name a state, or say acceptKnownState: true.',
})
export class LatestStateUncertain extends UserError {
  override readonly code = 'LATEST_STATE_UNCERTAIN' as const;
  override readonly message: string;

  @Field(() => String, { description: 'The newest state that is known.' })
  readonly knownLocation: string;

  @Field(() => SafeInt, { nullable: true, description: 'How old it is; null: its time is not known.' })
  readonly knownAgeMs: number | null;

  @Field(() => DateTime, { nullable: true, description: 'From when on the run was not seen; null: never seen.' })
  readonly unseenFrom: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Until when; null: its end is not known.' })
  readonly unseenTo: Date | null;

  constructor(
    knownLocation: string,
    knownAgeMs: number | null,
    unseenFrom: Date | null,
    unseenTo: Date | null,
    why: string,
  ) {
    super();
    this.knownLocation = knownLocation;
    this.knownAgeMs = knownAgeMs;
    this.unseenFrom = unseenFrom;
    this.unseenTo = unseenTo;
    this.message =
      `There may be newer state than ${knownLocation}: ${why}. Look into the job's checkpoint directory and name what is newest with FROM_LOCATION, ` +
      'or say acceptKnownState: true to go on from what is known.';
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: this snapshot cannot be restored from; the message says why and what would unlock it.',
})
export class SnapshotNotRestorable extends UserError {
  override readonly code = 'SNAPSHOT_NOT_RESTORABLE' as const;
  override readonly message: string;

  constructor(what: string, why: string) {
    super();
    this.message = `${what} cannot be restored from: ${why}`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: the state was made by a stop with drain. Say acceptDrained: true to start from it all the same.',
})
export class StateIsDrained extends UserError {
  override readonly code = 'STATE_IS_DRAINED' as const;
  override readonly message: string;

  constructor(location: string) {
    super();
    this.message = `${location} was made by a stop with drain: end of time was sent to every operator, windows have fired early. Say acceptDrained: true to start from it all the same.`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    "Declined: the deployment's cluster reaches no root of the storage that holds the state. Tell of one with createStorage or updateStorage.",
})
export class StateNotReachable extends UserError {
  override readonly code = 'STATE_NOT_REACHABLE' as const;
  override readonly message: string;

  constructor(location: string, clusterName: string) {
    super();
    this.message = `No storage that cluster "${clusterName}" reaches holds ${location}. If it does reach it, say so: give the storage a root for that cluster (createStorage, updateStorage), or say with mergeStorages which storages are one place.`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: by what is known Flink would refuse this start, or fail over it. ignoreFindings: true tries it all the same.',
})
export class RestoreIncompatible extends UserError {
  override readonly code = 'RESTORE_INCOMPATIBLE' as const;
  override readonly message: string;

  @Field(() => [CompatibilityFinding], {
    description: 'What Flink would refuse it for, or fail over, each with its remedy.',
  })
  readonly blockers: CompatibilityFinding[];

  constructor(blockers: CompatibilityFinding[], of: JudgedState) {
    super();
    this.blockers = blockers;
    const told = blockers
      .slice(0, TOLD)
      .map(({ message, remedy }) => (remedy === null ? message : `${message} ${remedy}`));
    const more = blockers.length > TOLD ? [`And ${blockers.length - TOLD} more.`] : [];
    this.message = `${of.location} is not taken by the program. ${[...told, ...more].join(' ')}${asOf(of)} Say ignoreFindings: true to try it all the same.`;
  }
}

@ObjectType({
  implements: UserError,
  description: 'Declined: Flink runs another job of this deployment. Adopt it, cancel it, or say allowSecondRun: true.',
})
export class AnotherRunIsLive extends UserError {
  override readonly code = 'ANOTHER_RUN_IS_LIVE' as const;
  override readonly message: string;

  @Field(() => [String], { description: "Flink's ids of the jobs that are alive." })
  readonly flinkJobIds: string[];

  constructor(clusterName: string, jobs: readonly { flinkJobId: string; name: string }[]) {
    super();
    this.flinkJobIds = jobs.map(({ flinkJobId }) => flinkJobId);
    this.message =
      `Cluster "${clusterName}" runs ${jobs.map(({ flinkJobId, name }) => `${flinkJobId} ("${name}")`).join(', ')}, which is no current run of any deployment and looks like this one. ` +
      'Two runs write to the same places. Adopt it (adoptJob), cancel it in Flink, or say allowSecondRun: true.';
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: the deployment has no jar, since its job was adopted. Give it one with updateDeployment(artifactId).',
})
export class ArtifactNeeded extends UserError {
  override readonly code = 'ARTIFACT_NEEDED' as const;
  override readonly message: string;

  constructor(name: string) {
    super();
    this.message = `Deployment "${name}" has no jar: its job was adopted, and Stateward did not start it. Give it an artifact with updateDeployment, then start it.`;
  }
}

@ObjectType({
  implements: UserError,
  description:
    'Declined: what the state was made with is not recorded (imported, adopted, or named by its location). Start with the code of today.',
})
export class CodeNotKnown extends UserError {
  override readonly code = 'CODE_NOT_KNOWN' as const;
  override readonly message: string;

  constructor(location: string, why: string) {
    super();
    this.message = `The code that made ${location} is not known: ${why}. Leave code: AS_TAKEN out to start with the deployment's own.`;
  }
}
