/** What an answer of Flink looks like when its values are left out: two answers of one kind have the same shape. */

/** Of one operation in a list: `status` 200 and `COMPLETED` tell nothing, so failures are compared by {@link causesIn} too. */
export interface AnswerShape {
  status: number;
  contentType?: string;
  body: unknown;
  /** Empty for an answer without a Java trace. */
  causes: string[];
}

/**
 * Keys and types of a JSON value. Ids as keys count as one key, elements of a list as one element (keys that only some of
 * them have are marked), and a percentile may be a number or the text NaN.
 */
export function shapeOf(value: unknown, key = ''): unknown {
  if (/^p\d+$/.test(key)) return 'percentile';
  if (Array.isArray(value)) return value.length === 0 ? [] : [mergeShapes(value.map((item) => shapeOf(item)))];
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value;
  const entries = Object.entries(value).map(([name, item]): [string, unknown] => [
    /^[0-9a-f]{32}$/.test(name) ? '<id>' : name,
    shapeOf(item, name),
  ]);
  return Object.fromEntries(entries.sort(([a], [b]) => a.localeCompare(b)));
}

function mergeShapes(shapes: unknown[]): unknown {
  const texts = [...new Set(shapes.map((shape) => JSON.stringify(shape)))].sort();
  return texts.length === 1 ? shapes[0] : texts;
}

/** Class names and messages of the Java traces in an answer, without ids, paths and addresses: what a client classifies by. */
export function causesIn(body: unknown): string[] {
  return textsIn(body)
    .flatMap((text) => text.split('\n'))
    .filter((line) => /Exception|^Caused by: /.test(line) && !line.startsWith('\t'))
    .map((line) => line.replace(/file:\/?[^\s',]*|(?<=[\s'])\/[^\s',]+|[0-9a-f]{32}|[0-9a-f-]{36}_|@[0-9a-f]+/g, '*'));
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
