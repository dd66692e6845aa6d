/**
 * What the settings of a Redis put at risk, in words for its operator. Pure. Nothing that Stateward must not lose lives
 * in Redis: what is at risk is promptness, and a queue that needs a hand.
 * @param info Redis' answer to INFO memory and INFO persistence.
 * @param save `CONFIG GET save`; null where Redis does not tell.
 */
export function risksOf(info: string, save: string | null): string[] {
  const facts = new Map([...info.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, key = '', value = '']) => [key, value]));
  const risks: string[] = [];
  const policy = facts.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    risks.push(
      `Redis may throw away parts of the queue when its memory is full (maxmemory-policy ${policy}). Work then waits for the database's own clock, ` +
        'and a queue of which a part is gone may stand still until it is emptied. Set maxmemory-policy to noeviction.',
    );
  }
  const appendOnly = facts.get('aof_enabled') === '1';
  if (!appendOnly && save === '') {
    risks.push(
      'Redis keeps nothing on disk (appendonly no, no save points). After its restart what was queued is gone: nothing is lost, since the database ' +
        'holds all work, but it goes on some seconds later. Set appendonly to yes.',
    );
  } else if (!appendOnly && facts.has('aof_enabled')) {
    risks.push(
      'Redis saves snapshots only (appendonly no). After a crash what was queued since the last one is gone: nothing is lost, since the database ' +
        'holds all work, but it goes on some seconds later. Set appendonly to yes.',
    );
  }
  return risks;
}
