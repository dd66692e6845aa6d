/** What an answer of Flink looks like when its values are left out: two answers of one kind have the same shape. */

/** A failed operation has the status and nearly the keys of another that failed, so what it says is part of its shape. */
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
  if (typeof value !== 'object' || value === null) return [];
  // Sorted, since the order of keys means nothing.
  const entries = Object.entries(value).sort(([a], [b]) => (Array.isArray(value) ? 0 : a.localeCompare(b)));
  return entries.flatMap(([, item]) => textsIn(item));
}
