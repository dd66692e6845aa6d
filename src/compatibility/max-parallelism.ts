const LEAST = 128;
const MOST = 32_768;

/** The number of key groups that Flink gives to an operator of this parallelism where nobody sets it; fixed for the life of its state. */
export function defaultMaxParallelism(parallelism: number): number {
  const wanted = parallelism + Math.floor(parallelism / 2);
  return Math.min(Math.max(2 ** Math.ceil(Math.log2(wanted)), LEAST), MOST);
}
