import { isCronProblem, parseCron } from './cron.js';
import { describeInAnyZone } from './cron-sentence.js';

export interface SchedulePreset {
  name: string;
  expression: string;
  /** Without a zone. */
  sentence: string;
}

const expressions: Readonly<Record<string, string>> = {
  'every 10 minutes': '*/10 * * * *',
  'every 30 minutes': '*/30 * * * *',
  'every hour': '0 * * * *',
  'every 2 hours': '0 */2 * * *',
  'every 6 hours': '0 */6 * * *',
  'every 12 hours': '0 */12 * * *',
  daily: '0 3 * * *',
  weekly: '0 3 * * SUN',
};

/** For people who do not speak cron (SC-5). */
export const SCHEDULE_PRESETS: readonly SchedulePreset[] = Object.entries(expressions).map(([name, expression]) => {
  const cron = parseCron(expression);
  if (isCronProblem(cron)) throw new Error(`the preset ${name}: ${cron.message}`);
  return { name, expression, sentence: describeInAnyZone(cron) };
});
