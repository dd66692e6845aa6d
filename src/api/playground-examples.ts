import { keepAndDelete, lookBack } from './playground-upkeep-examples.js';

/** A tab of the playground: operations in the order in which one takes them, and values for their variables. */
export interface Example {
  query: string;
  variables: Record<string, string | number>;
}

const registerACluster: Example = {
  query: `# 1. Register a Flink cluster.
#
# The run button offers the operations of a tab, Ctrl-Enter
# runs the one at the cursor. Their values are below, under
# Variables.
#
# Is an API token set (STATEWARD_API_TOKEN)? Then give it
# under Headers:
#   { "authorization": "Bearer <the token>" }
# Once is enough: it goes with every request of this page,
# subscriptions included, until the page is loaded anew.
# Then press "Re-fetch GraphQL schema" at the lower left.

mutation RegisterCluster($name: String!, $url: String!) {
  registerCluster(input: { name: $name, url: $url }) {
    __typename
    ... on Cluster {
      id
      state
      flinkVersion
      savepointRoot
      warnings { code message }
    }
    ... on ClusterAlreadyRegistered { clusterId }
    ... on UserError { code message }
  }
}

query Clusters {
  clusters {
    edges {
      node {
        id
        name
        url
        state
        lastError
        flinkVersion
        slotsAvailable
        slotsTotal
      }
    }
  }
}
`,
  variables: { name: 'local', url: 'http://127.0.0.1:8081' },
};

const startAJob: Example = {
  query: `# 2. Start a job.
#
# Its jar comes first, outside of GraphQL, and the answer has
# the id of the artifact (so has Artifacts, below):
#   curl -T my-job.jar \\
#     http://127.0.0.1:4000/artifacts/my-job.jar
# Where an API token is set, curl needs it as well:
#     -H "authorization: Bearer $STATEWARD_API_TOKEN"

mutation CreateDeployment(
  $name: String!
  $clusterId: ID!
  $artifactId: ID!
  $parallelism: Int
) {
  createDeployment(
    input: {
      name: $name
      clusterId: $clusterId
      artifactId: $artifactId
      parallelism: $parallelism
      programArguments: []
    }
  ) {
    __typename
    ... on Deployment { id name state }
    ... on UserError { code message }
  }
}

# The strategy has no default: no job starts empty by accident.
mutation StartDeployment($deploymentId: ID!) {
  startDeployment(
    input: {
      deploymentId: $deploymentId
      start: { strategy: NONE }
    }
  ) {
    __typename
    ... on Job { id run state }
    ... on UserError { code message }
  }
}

# Answers when it runs, or after half a minute.
query WaitForStart($jobId: ID!) {
  job(id: $jobId, waitMs: 30000) {
    state
    waitingFor
    flinkJobId
    failureCode
    failureMessage
  }
}

query Artifacts {
  artifacts {
    edges { node { id name mainClass sizeBytes createdAt } }
  }
}
`,
  variables: {
    name: 'my-job',
    clusterId: 'id from RegisterCluster',
    artifactId: 'id from the upload',
    parallelism: 1,
    deploymentId: 'id from CreateDeployment',
    jobId: 'id from StartDeployment',
  },
};

const takeASavepoint: Example = {
  query: `# 3. Take a savepoint, and see it being made.
#
# The answer comes at once and is durable. Copy its id into
# the variables, then run FollowSavepoint.

mutation CreateSavepoint(
  $deploymentId: ID!
  $description: String
) {
  createSavepoint(
    input: {
      deploymentId: $deploymentId
      description: $description
    }
  ) {
    __typename
    ... on Savepoint {
      id
      state
      eventCursor
      warnings { code message }
    }
    ... on SavepointInProgress { savepointId }
    ... on UserError { code message }
  }
}

# Shows each change, and ends by itself.
subscription FollowSavepoint($savepointId: ID!) {
  savepointProgress(id: $savepointId) {
    savepoint {
      state
      progress {
        acknowledgedSubtasks
        totalSubtasks
        bytes
        elapsedMs
        expectedDurationMs
        noProgress
      }
      location
      data
      sizeBytes
      durationMs
      failure { code message rootCause }
    }
  }
}
`,
  variables: {
    deploymentId: 'id from CreateDeployment',
    description: 'before the upgrade',
    savepointId: 'id from CreateSavepoint',
  },
};

const beforeAnUpgrade: Example = {
  query: `# 6. Would the new jar take the state? Before the job stops.
#
# Nothing is started: the state is read, and the cluster makes
# the plan of the program, for which it runs its main(). The
# job goes on meanwhile. Without savepointId it is the newest
# savepoint.

mutation CheckCompatibility(
  $deploymentId: ID!
  $artifactId: ID
) {
  checkCompatibility(
    input: {
      deploymentId: $deploymentId
      artifactId: $artifactId
    }
  ) {
    __typename
    ... on CompatibilityCheck {
      id
      state
      snapshot { kind location why }
    }
    ... on UserError { code message }
  }
}

# Answers when there is a verdict, or after half a minute.
query WaitForCheck($checkId: ID!) {
  compatibilityCheck(id: $checkId, waitMs: 30000) {
    state
    waitingFor
    failure { code message rootCause }
    verdict {
      mapping
      notChecked
      findings {
        code
        severity
        operator { name uid id }
        stateBytes
        message
        remedy
      }
      kept { operator { name } stateBytes }
      stateBytes
      planSource
    }
  }
}
`,
  variables: {
    deploymentId: 'id from CreateDeployment',
    artifactId: 'id from the upload of the new jar',
    checkId: 'id from CheckCompatibility',
  },
};

/** The tabs that the playground opens with. Each name in `variables` is that of a variable of one of its operations. */
export const examples: readonly Example[] = [
  registerACluster,
  startAJob,
  takeASavepoint,
  keepAndDelete,
  lookBack,
  beforeAnUpgrade,
];
