import { SavepointFormat } from '../deployment/savepoint-format.js';
import { FormatNotSupported } from './savepoint.types.js';

/** ForSt cannot write CANONICAL (SP-2). RUNNING promises that the backend was observed. */
export function chooseFormat(
  wanted: SavepointFormat | null,
  stateBackend: string | null,
): SavepointFormat | FormatNotSupported {
  const nativeOnly = stateBackend === 'FORST';
  if (nativeOnly && wanted === SavepointFormat.CANONICAL) return new FormatNotSupported(wanted, stateBackend);
  return wanted ?? (nativeOnly ? SavepointFormat.NATIVE : SavepointFormat.CANONICAL);
}
