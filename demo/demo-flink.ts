/** A Flink that can be had here, or why not and what to do about it. */
export type FlinkChoice = { start(folder: string): Promise<DemoFlink> } | { remedy: string };

/** What the tour needs of a Flink, be it real or simulated. */
export interface DemoFlink {
  url: string;
  /** Path of a jar with the job that the tour runs. */
  jar: string;
  /** Where the job can write its counters, to be read here; null: nothing counts. */
  countsFolder: string | null;
  stop(): Promise<void>;
}
