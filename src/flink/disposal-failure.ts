import type { FlinkCause } from './flink.types.js';

/** Of the directory, and of a directory without `_metadata` (1.20.5, 2.3.0). */
const NOT_FOUND = /Cannot find checkpoint or savepoint file\/directory|Cannot find meta data file '_metadata'/;

/**
 * Flink found no savepoint to dispose of. It deletes `_metadata` first (1.20.5, 2.3.0): after a disposal that may have begun this says
 * nothing of the data.
 */
export const foundNoSavepoint = ({ messages }: FlinkCause): boolean => messages.some((text) => NOT_FOUND.test(text));
