/** The newest checkpoint outlives a cancel or a failure, so that there is something to go on from. A deployment may say otherwise. */
export const defaultConfiguration: Readonly<Record<string, string>> = {
  'execution.checkpointing.externalized-checkpoint-retention': 'RETAIN_ON_CANCELLATION',
};
