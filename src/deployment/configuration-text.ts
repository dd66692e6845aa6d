/** One setting as somebody wrote it. */
export interface WrittenSetting {
  key: string;
  value: string;
  /** Where it was written, for a message: "line 3". */
  place: string;
}

/** What keeps a text from being read, in words that name the line. */
export interface TextProblem {
  problem: string;
}

/**
 * Settings pasted as `key: value` lines, as they stand in a Flink configuration file. Comments and empty lines are skipped, a value may be
 * quoted. Nested YAML is not read: a name stands on one line.
 */
export function readConfigurationText(text: string): WrittenSetting[] | TextProblem {
  const settings: WrittenSetting[] = [];
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    const place = `line ${index + 1}`;
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed === '---') continue;
    const setting = readLine(trimmed);
    if ('problem' in setting) return { problem: `${place}: ${setting.problem}` };
    settings.push({ ...setting, place });
  }
  return settings;
}

const clip = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

function readLine(line: string): { key: string; value: string } | TextProblem {
  const [, quote, quoted, plain, rest] = /^(?:(["'])(.*?)\1|([^\s:"'#=]+))\s*(.*)$/s.exec(line) ?? [];
  const key = quote ? quoted : plain;
  if (!key || rest === undefined)
    return { problem: `"${clip(line)}" does not begin with the name of a setting. Write key: value.` };
  if (!rest.startsWith(':')) {
    const asOption = line.startsWith('-D') ? ' without -D' : '';
    return { problem: `there is no colon after ${clip(key)}. Write key: value${asOption}.` };
  }
  const after = rest.slice(1);
  if (after !== '' && !/^\s/.test(after)) return { problem: `put a space after the colon of ${clip(key)}.` };
  const value = readValue(after.trim());
  if (value === null || (typeof value === 'string' && value === '' && !/^["']/.test(after.trim())))
    return {
      problem: `${clip(key)} has no value. Write the whole name and the value on one line; lines indented below it are not read.`,
    };
  return typeof value === 'string' ? { key, value } : { problem: `${clip(key)}: ${value.problem}` };
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '"': '"', '\\': '\\', '/': '/' };

/** null: there is none. */
function readValue(text: string): string | TextProblem | null {
  if (text === '' || text.startsWith('#')) return null;
  if (/^[|>][-+0-9]*\s*(?:#.*)?$/.test(text)) return { problem: 'values of several lines are not read.' };
  const double = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/s.exec(text)?.[1];
  if (double !== undefined) return double.replace(/\\(.)/gs, (all, sign: string) => escapes[sign] ?? all);
  const single = /^'((?:[^']|'')*)'\s*(?:#.*)?$/s.exec(text)?.[1];
  if (single !== undefined) return single.replaceAll("''", "'");
  if (/^["']/.test(text)) return { problem: 'the quote is not closed, or something follows it.' };
  const comment = text.search(/\s#/);
  return comment < 0 ? text : text.slice(0, comment).trimEnd();
}
