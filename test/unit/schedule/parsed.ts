import { type Cron, isCronProblem, parseCron } from '../../../src/schedule/cron.js';

export function parsed(text: string): Cron {
  const cron = parseCron(text);
  if (isCronProblem(cron)) throw new Error(`${text}: ${cron.message} ${cron.remedy}`);
  return cron;
}
