import type { Example } from './playground-examples.js';

export const keepAndDelete: Example = {
  query: `# 4. Savepoints by schedule, kept as long as they should be.
#
# The previews change nothing: they say what comes, what would
# go, and why the rest stays.

query PreviewSchedule(
  $deploymentId: ID!
  $expression: String!
  $zone: String
) {
  previewSchedule(
    deploymentId: $deploymentId
    input: { expression: $expression, zone: $zone }
    count: 5
  ) {
    __typename
    ... on SchedulePreview {
      sentence
      clamped
      nextSlots { slotAt expectedCallAt blackoutUntil }
      warnings { code message }
    }
    ... on UserError { code message }
  }
}

mutation SetSchedule(
  $deploymentId: ID!
  $expression: String!
  $zone: String
) {
  setSavepointSchedule(
    input: {
      deploymentId: $deploymentId
      schedule: { expression: $expression, zone: $zone }
    }
  ) {
    __typename
    ... on SavepointSchedule { sentence nextSlotAt }
    ... on UserError { code message }
  }
}

query PreviewRetention(
  $deploymentId: ID!
  $maxCount: Int
) {
  previewRetention(
    deploymentId: $deploymentId
    policy: { maxCount: $maxCount }
  ) {
    __typename
    ... on RetentionPreview {
      goes { savepoint { id } rules message bytes }
      stays { savepoint { id } why message expiresWhen }
      freedBytes
      deferred
      large
      previewToken
    }
    ... on UserError { code message }
  }
}

mutation SetRetention($deploymentId: ID!, $maxCount: Int) {
  setRetentionPolicy(
    input: {
      deploymentId: $deploymentId
      policy: { maxCount: $maxCount }
    }
  ) {
    __typename
    ... on Deployment { id retention { sweepAt } }
    ... on UserError { code message }
  }
}

# What is needed is not deleted: the answer says by what.
mutation DeleteSavepoint($savepointId: ID!) {
  deleteSavepoint(input: { savepointId: $savepointId }) {
    __typename
    ... on Savepoint { id state }
    ... on SavepointProtected {
      protections { kind message unlock }
    }
    ... on UserError { code message }
  }
}

# DELETED, with its proof, or why not.
query WaitForDeletion($savepointId: ID!) {
  savepoint(id: $savepointId, waitMs: 30000) {
    state
    proof
    deletedAt
    deletion {
      state
      rule
      reason
      waitingFor
      failure { code message }
    }
  }
}
`,
  variables: {
    deploymentId: 'id from CreateDeployment',
    expression: '0/30 9-17 * * MON-FRI',
    zone: 'Europe/Berlin',
    maxCount: 14,
    savepointId: 'id from CreateSavepoint',
  },
};

export const lookBack: Example = {
  query: `# 5. What happened: savepoints and events, newest first.

query History {
  deployments(first: 10) {
    edges { node { id name state observedAt } }
  }
  savepoints(first: 20) {
    edges {
      node {
        id
        state
        deployment { name }
        actor
        description
        createdAt
        location
        data
        sizeBytes
        durationMs
        failure { code message }
      }
    }
  }
  events(first: 20) {
    edges { node { at type actor message } }
    pageInfo { hasNextPage endCursor }
  }
}

# Everything about one deployment from its beginning ("0"),
# then live. The cursor of an event goes on behind it.
subscription FollowDeployment(
  $deploymentId: ID!
  $after: String
) {
  deploymentEvents(
    deploymentId: $deploymentId
    after: $after
  ) {
    cursor
    event { at type actor message }
  }
}
`,
  variables: { deploymentId: 'id from History', after: '0' },
};
