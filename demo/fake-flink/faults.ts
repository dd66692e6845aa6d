import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { FlinkVersion, JsonObject, Reply } from './captured-replies.js';
import { replyLike } from './captured-replies.js';

export type Fault =
  /** Answers a captured reply, ids exchanged, and does nothing (a `run-restore-…` also leaves its FAILED job behind). */
  | { fixture: string }
  | { status: number; body: unknown; contentType?: string }
  /** Never answers. */
  | 'HANG'
  /** Closes the connection before doing it. */
  | 'DROP_BEFORE'
  /** Does it, then closes without answering. */
  | 'LOSE_REPLY'
  /** 200, JSON by its header, cut off in the middle. */
  | 'GARBAGE'
  /** 200 and a login page. */
  | 'HTML'
  /** 302 to `/redirected` of the same server. */
  | 'REDIRECT'
  /** 200 and an endless text: 256 MiB, unless the reader closes earlier. */
  | 'HUGE'
  /** 503 of a JobManager without a leader. */
  | 'NO_LEADER';

export interface FaultMatch {
  method?: string;
  /** Tested against path and query, without `/v1`. */
  path: RegExp;
  /** How many requests it meets (default 1). */
  times?: number;
}

const HUGE_BYTES = 256 * 1024 * 1024;

/** Faults in the order they were asked for; each request meets the first that matches. */
export class FaultPlan {
  private readonly planned: { match: FaultMatch; left: number; fault: Fault }[] = [];

  add(match: FaultMatch, fault: Fault): void {
    this.planned.push({ match, left: match.times ?? 1, fault });
  }

  take(method: string, target: string): Fault | null {
    const found = this.planned.find(
      ({ match, left }) =>
        left > 0 &&
        (match.method ?? method).toUpperCase() === method &&
        new RegExp(match.path.source, match.path.flags).test(target),
    );
    if (found === undefined) return null;
    found.left -= 1;
    return found.fault;
  }
}

/** The reply of the faults that are replies; null for those that are done to the connection. */
export function replyOf(
  fault: Fault,
  version: FlinkVersion,
  target: string,
  body: JsonObject,
  url: string,
): Reply | null {
  if (typeof fault !== 'string') {
    if ('status' in fault) return fault;
    const ids = target.match(/(?<=^\/jars\/)[^/]+\.jar|[0-9a-f]{32}/g) ?? [];
    const trigger = typeof body['triggerId'] === 'string' ? [body['triggerId']] : [];
    return replyLike(version, fault.fixture, [...ids, ...trigger]);
  }
  if (fault === 'GARBAGE')
    return { status: 200, body: '{"jobs":[{"id":"2a', contentType: 'application/json; charset=UTF-8' };
  if (fault === 'HTML') {
    const page =
      '<!DOCTYPE html><html><head><title>Sign in</title></head><body><form method="post"></form></body></html>';
    return { status: 200, body: page, contentType: 'text/html; charset=UTF-8' };
  }
  if (fault === 'REDIRECT')
    return { status: 302, body: '', contentType: 'text/html', headers: { location: `${url}/redirected` } };
  if (fault === 'NO_LEADER') {
    const text = 'Service temporarily unavailable due to an ongoing leader election. Please refresh.';
    return { status: 503, body: { errors: [text] } };
  }
  return null;
}

function* hugeText(): Generator<string> {
  const piece = 'x'.repeat(64 * 1024);
  yield '{"errors":["';
  for (let sent = 0; sent < HUGE_BYTES; sent += piece.length) yield piece;
  yield '"]}';
}

/** Sends a text without end, as fast as it is read. */
export async function sendHuge(response: ServerResponse): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8' });
  await pipeline(hugeText, response);
}
