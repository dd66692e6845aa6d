import { registerEnumType } from 'type-graphql';

export enum DeletionRule {
  BY_HAND = 'BY_HAND',
  MAX_COUNT = 'MAX_COUNT',
  MAX_AGE = 'MAX_AGE',
  DEPLOYMENT_DELETED = 'DEPLOYMENT_DELETED',
}
registerEnumType(DeletionRule, {
  name: 'DeletionRule',
  description: 'What a savepoint is, or was, deleted by.',
  valuesConfig: {
    BY_HAND: { description: 'A request.' },
    MAX_COUNT: { description: 'The retention policy: there were enough newer ones.' },
    MAX_AGE: { description: 'The retention policy: it was old enough.' },
    DEPLOYMENT_DELETED: { description: 'Its deployment was deleted with its savepoints.' },
  },
});

export enum DeletionScope {
  DATA = 'DATA',
  RECORD = 'RECORD',
}
registerEnumType(DeletionScope, {
  name: 'DeletionScope',
  description: 'What is deleted.',
  valuesConfig: {
    DATA: { description: 'Its data, through Flink, and then its record ends.' },
    RECORD: { description: 'Its record alone ends: an imported one, whose data stay where they are.' },
  },
});

export enum DeletionState {
  WAITING = 'WAITING',
  DISPOSING = 'DISPOSING',
  FAILED = 'FAILED',
  DONE = 'DONE',
}
registerEnumType(DeletionState, {
  name: 'DeletionState',
  description: 'Where a deletion stands.',
  valuesConfig: {
    WAITING: { description: 'Flink is not asked yet, or is to be asked again; waitingFor says what it waits for.' },
    DISPOSING: { description: 'Flink was asked to dispose of it, or may have been.' },
    FAILED: { description: 'It could not be deleted; it is tried again at nextTryAt.' },
    DONE: { description: 'The savepoint is DELETED; its proof says how that is known.' },
  },
});

export enum DeletionFailureCode {
  LEFTOVERS_POSSIBLE = 'LEFTOVERS_POSSIBLE',
  NOT_FOUND = 'NOT_FOUND',
  DISPOSAL_FAILED = 'DISPOSAL_FAILED',
  NOT_DELETABLE = 'NOT_DELETABLE',
}
registerEnumType(DeletionFailureCode, {
  name: 'DeletionFailureCode',
  description: 'Why a deletion failed. docs/errors.md tells what to do about each.',
  valuesConfig: {
    LEFTOVERS_POSSIBLE: { description: 'A part of it was deleted, or may have been, and the rest may still be there.' },
    NOT_FOUND: { description: 'Flink found no savepoint there, before anything was deleted by Stateward.' },
    DISPOSAL_FAILED: {
      description: 'Flink could not delete it (rootCause says why), or gave no answer again and again.',
    },
    NOT_DELETABLE: { description: 'It lies where Stateward deletes nothing.' },
  },
});

export enum DeletionNote {
  WAS_ALREADY_GONE = 'WAS_ALREADY_GONE',
}
registerEnumType(DeletionNote, {
  name: 'DeletionNote',
  description: 'What there is to say of a deletion besides its end.',
  valuesConfig: {
    WAS_ALREADY_GONE: { description: 'Nothing of it was in its storage before anything was deleted by Stateward.' },
  },
});

/** Firmest first. */
export enum ProtectionKind {
  START_UNDER_WAY = 'START_UNDER_WAY',
  SOURCE_OF_LIVE_RUN = 'SOURCE_OF_LIVE_RUN',
  LATEST_STATE = 'LATEST_STATE',
  NEWEST_GOOD = 'NEWEST_GOOD',
  SHARED_DATA = 'SHARED_DATA',
  PINNED = 'PINNED',
  HELD = 'HELD',
}
registerEnumType(ProtectionKind, {
  name: 'ProtectionKind',
  description: 'Why a savepoint is not deleted.',
  valuesConfig: {
    START_UNDER_WAY: { description: 'A start from it is under way. Nothing passes this.' },
    SOURCE_OF_LIVE_RUN: {
      description:
        'A live run would go back to it at a failure, until it has a checkpoint of its own; or was started by somebody else, and may use its files as long as it lives. Nothing passes this.',
    },
    LATEST_STATE: { description: 'LATEST_STATE would start a stopped deployment from it. Passed with force: true.' },
    NEWEST_GOOD: {
      description: "The newest of its deployment's own runs that can be restored from. Passed with force: true.",
    },
    SHARED_DATA: {
      description:
        'Another record lies at the same place, and its data would go too. End that record first. Nothing passes this; the record of an imported one may end without its data.',
    },
    PINNED: { description: 'A person has pinned it. Unpin it first (updateSavepoint).' },
    HELD: { description: 'A person holds it until a time. Take the hold off first (updateSavepoint).' },
  },
});
