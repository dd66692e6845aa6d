import { parseArgs } from 'node:util';

export interface Options {
  /** Every scenario with several seeds, and full lengths of time. */
  all: boolean;
  only: RegExp | null;
  seed: number | null;
  seeds: number;
  atOnce: number;
  list: boolean;
  resume: boolean;
  /** The safety that this build lacks. */
  without: { name: string; noticedBy: RegExp } | null;
  logFolder: string;
  resultsFile: string;
  sources: string;
}

/** Of the command line of `npm run fault`; what run.mjs adds comes by the environment. */
export function readOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      all: { type: 'boolean', default: false },
      only: { type: 'string' },
      seed: { type: 'string' },
      seeds: { type: 'string' },
      'at-once': { type: 'string', default: '3' },
      list: { type: 'boolean', default: false },
      resume: { type: 'boolean', default: false },
      without: { type: 'string' },
    },
  });
  const { FAULT_LOGS, FAULT_RESULTS, FAULT_SOURCES, FAULT_NOTICED_BY } = process.env;
  if (!FAULT_LOGS || !FAULT_RESULTS || !FAULT_SOURCES) throw new Error('Start the fault suite with `npm run fault`.');
  return {
    all: values.all,
    only: values.only === undefined ? null : new RegExp(values.only),
    seed: values.seed === undefined ? null : wholeNumber('seed', values.seed),
    seeds: values.seeds === undefined ? (values.all ? 2 : 1) : wholeNumber('seeds', values.seeds),
    atOnce: wholeNumber('at-once', values['at-once']),
    list: values.list,
    resume: values.resume,
    without: values.without ? { name: values.without, noticedBy: new RegExp(FAULT_NOTICED_BY ?? '') } : null,
    logFolder: FAULT_LOGS,
    resultsFile: FAULT_RESULTS,
    sources: FAULT_SOURCES,
  };
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error(`--${name} ${text}: this is no whole number.`);
}
