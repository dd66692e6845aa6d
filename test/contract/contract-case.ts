import type { ContractSession } from './contract-session.js';

/** Something that holds at every Flink, real or not. It starts the jobs that it needs and leans on no other case. */
export interface ContractCase {
  /** A sentence whose subject is the cluster. */
  name: string;
  holds: (flink: ContractSession) => Promise<void>;
}
