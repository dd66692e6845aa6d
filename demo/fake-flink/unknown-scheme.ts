import { captured, failureCauseIn } from './captured-replies.js';
import type { FlinkVersion } from './captured-replies.js';
import type { FoldedLocation } from './snapshot-files.js';

const CAUSE = 'Caused by: org.apache.flink.core.fs.UnsupportedFileSystemSchemeException';
const causesIn = (trace: string): string[] => trace.split('\n').filter((line) => line.startsWith(CAUSE));

/**
 * What to exchange in a captured trace. Restores and disposals were captured with S3, whose plugin Flink can name; of a
 * scheme that it never heard of it says something else.
 */
export function unknownScheme(version: FlinkVersion, trace: string, location: FoldedLocation): [string, string] {
  const scheme = location.kind === 'scheme' ? location.scheme : '';
  const said = failureCauseIn(captured(version, 'savepoint-poll-failed-unknown-scheme').body)?.['stack-trace'] ?? '';
  return [causesIn(trace)[0] ?? CAUSE, causesIn(said).join('\n').replaceAll("'nofs'", `'${scheme}'`)];
}
