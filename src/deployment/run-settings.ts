/** What a run is submitted with. */
export interface RunSettings {
  artifactId: string | null;
  entryClass: string | null;
  programArguments: string[];
  parallelism: number | null;
  flinkConfiguration: Record<string, string>;
}
