/** Answers the folder of the build and the hash of what it was made of. */
export function buildFaultSuite(without?: string): { folder: string; hash: string };
