import type { ClusterState } from '../cluster/cluster.entity.js';
import { isNewerFlink } from '../compatibility/metadata-version.js';

/** A cluster that reaches the storage now. */
export interface Disposer {
  clusterId: string;
  name: string;
  url: string;
  state: `${ClusterState}`;
  flinkVersion: string | null;
  processMark: string | null;
  /** Under which it reaches the storage. */
  uri: string;
}

export interface ToDispose {
  storageName: string;
  /** Of what wrote it; null: not known. */
  flinkVersion: string | null;
  /** The cluster that made it. */
  madeBy: string | null;
}

/** Words in which no cluster is named twice, and not all of a hundred. */
const NAMED_AT_MOST = 5;

/**
 * Which cluster is asked to delete a savepoint: one that reaches its storage, answers as the one that was registered, and whose Flink is
 * not older: 1.20.5 refuses what 2.3.0 has written. The one that made it before others. Without any, what is waited for, in words.
 */
export function chooseDisposer(
  candidates: readonly Disposer[],
  { storageName, flinkVersion, madeBy }: ToDispose,
): Disposer | { waitingFor: string } {
  const obstacles = candidates.map((one) => obstacleOf(one, flinkVersion));
  const able = candidates.filter((_, index) => obstacles[index] === null);
  const [chosen] = able.sort((a, b) => rank(a, madeBy) - rank(b, madeBy) || (a.name < b.name ? -1 : 1));
  if (chosen) return chosen;
  if (candidates.length === 0) {
    return { waitingFor: `a cluster that reaches the storage "${storageName}" (updateStorage gives it a root)` };
  }
  const named = obstacles.slice(0, NAMED_AT_MOST).join('; or ');
  const more = obstacles.length - NAMED_AT_MOST;
  return { waitingFor: more > 0 ? `${named}; or one of ${more} more` : named };
}

/** What is waited for of a cluster that is away, whether it is to be asked or was. */
export const toAnswer = (clusterName: string) => `cluster "${clusterName}" to answer`;

const rank = ({ clusterId }: Disposer, madeBy: string | null) => (clusterId === madeBy ? 0 : 1);

function obstacleOf({ name, state, flinkVersion }: Disposer, made: string | null): string | null {
  if (state === 'CHANGED') return `confirmCluster to say what cluster "${name}" is`;
  if (state !== 'REACHABLE' || flinkVersion === null) return toAnswer(name);
  if (isNewerFlink(made, flinkVersion))
    return `a newer Flink on cluster "${name}": its ${flinkVersion} does not read a savepoint of ${made}`;
  return null;
}
