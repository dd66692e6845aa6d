import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Cluster } from './cluster.js';
import { captured, failureCauseIn, replyLike } from './captured-replies.js';
import type { JsonObject, Reply } from './captured-replies.js';
import { filesNamedIn, foldLocation, inspectSnapshot, isBelow, localPath, METADATA_VERSION } from './snapshot-files.js';
import type { FoldedLocation } from './snapshot-files.js';
import { unknownScheme } from './unknown-scheme.js';

/** POST /savepoint-disposal. Ids are made by the cluster; it deletes what `_metadata` names, also what others use, and only below the fake's own folder. */
export class SavepointDisposal {
  /** null: under way. */
  private readonly results = new Map<string, { body: unknown; finishedAt: number } | null>();

  constructor(private readonly cluster: Cluster) {}

  trigger(body: JsonObject): Reply {
    const asked = body['savepoint-path'];
    if (typeof asked !== 'string') return replyLike(this.cluster.version, 'disposal-refused-no-path');
    const id = this.cluster.hex(32);
    const { knobs, timeline } = this.cluster;
    const end = (): void => void this.results.set(id, { body: this.dispose(asked), finishedAt: timeline.now() });
    this.results.set(id, null);
    if (knobs.disposalDurationMs === 0) end();
    else timeline.after(knobs.disposalDurationMs, end);
    return { status: 200, body: { 'request-id': id } };
  }

  poll(id: string): Reply {
    const { version, asyncStoreDurationMs, timeline } = this.cluster;
    const result = this.results.get(id);
    if (result === null) return { status: 200, body: { status: { id: 'IN_PROGRESS' }, operation: null } };
    const forgotten = asyncStoreDurationMs > 0 && timeline.now() - (result?.finishedAt ?? 0) > asyncStoreDurationMs;
    if (result === undefined || forgotten) return replyLike(version, 'disposal-poll-unknown', [id]);
    return { status: 200, body: result.body };
  }

  forget(): void {
    this.results.clear();
  }

  private dispose(asked: string): unknown {
    const { cluster } = this;
    const folded = foldLocation(asked, cluster.folder);
    if (folded.kind !== 'location') return this.failure('unknown-scheme', asked, folded);
    const location = folded.location.replace(/\/_metadata$/, '');
    const known = cluster.knownLocations.delete(location);
    const file = localPath(location);
    if (file === null || (known && !cluster.knobs.writesFiles)) return this.success(location);
    const found = inspectSnapshot(file);
    if (found.kind === 'whole' && found.formatVersion > METADATA_VERSION[cluster.version]) {
      return this.failure('bad-magic', asked);
    }
    if (found.kind !== 'whole') {
      return this.failure(found.kind === 'truncated' ? 'truncated-metadata' : found.kind, asked);
    }
    if (cluster.knobs.disposals === 'LEAVE_DATA') return captured(cluster.version, 'disposal-poll-ok').body;
    if (cluster.knobs.disposals === 'FAIL') return this.failure('not-permitted', asked);
    const halfWay = cluster.knobs.disposals === 'DIE_HALF_WAY';
    const named = halfWay ? [] : filesNamedIn(readFileSync(path.join(file, '_metadata')));
    for (const one of named) if (isBelow(cluster.folder, path.resolve(one))) rmSync(one, { force: true });
    const doomed = halfWay ? path.join(file, '_metadata') : file;
    if (isBelow(cluster.folder, path.resolve(doomed))) rmSync(doomed, { recursive: true, force: true });
    return halfWay ? this.failure('half', asked) : this.success(location);
  }

  private success(location: string): unknown {
    this.cluster.goneLocations.add(location);
    this.cluster.disposed.push(location);
    return captured(this.cluster.version, 'disposal-poll-ok').body;
  }

  /** The captured failure, with the path in all its forms exchanged. */
  private failure(kind: string, asked: string, folded?: FoldedLocation): unknown {
    const { version } = this.cluster;
    const name = `disposal-poll-failed-${kind}`;
    const trace = failureCauseIn(captured(version, name).body)?.['stack-trace'] ?? '';
    const known = /Could not dispose savepoint (.*)\.\n/.exec(trace)?.[1] ?? '\u0000';
    const oneSlash = (text: string): string => text.replace(/^file:\/+/, 'file:/');
    return replyLike(
      version,
      name,
      [],
      [
        [known, asked],
        [oneSlash(known), oneSlash(asked)],
        ...(folded === undefined ? [] : [unknownScheme(version, trace, folded)]),
      ],
    ).body;
  }
}
