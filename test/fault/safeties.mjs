/**
 * The safeties that `--without` takes out on purpose, to show that the suite notices: in copies of the sources, by exact
 * texts that must occur exactly once. Each takes out that safety and nothing else.
 * `noticedBy` names the run that must fail then.
 */
export const safeties = {
  claim: {
    what: 'a row that somebody works on may be claimed by anybody, under the same number',
    noticedBy: /^no fault/,
    replace: [
      [
        'src/db/claims.ts',
        "update ${table} set claim = claim + 1, claimed_until = now() + $2 * interval '1 ms', look_at = now() + $2 * interval '1 ms'\n       where id in",
        "update ${table} set claimed_until = now() + $2 * interval '1 ms'\n       where id in",
      ],
      [
        'src/db/claims.ts',
        'where look_at <= now() and (claimed_until is null or claimed_until < now()) and ${owned(table)}',
        'where look_at <= now() and ${owned(table)}',
      ],
      [
        'src/db/claims.ts',
        "update ${table} set claim = claim + 1, claimed_until = now() + $2 * interval '1 ms', look_at = now() + $2 * interval '1 ms'\n      where id = $3 and look_at is not null and (claimed_until is null or claimed_until < now())",
        "update ${table} set claimed_until = now() + $2 * interval '1 ms'\n      where id = $3 and look_at is not null",
      ],
    ],
  },
  fence: {
    what: 'a write does not look whether its claim still holds',
    noticedBy: /^freeze savepoint\.details-read/,
    replace: [
      [
        'src/db/claims.ts',
        'where id = $1 and claim = $2 and state = any($3)',
        'where id = $1 and $2::bigint is not null and state = any($3)',
      ],
    ],
  },
  'stored-attempt': {
    what: 'the trigger id is made anew at each send',
    noticedBy: /^kill savepoint\.triggered/,
    replace: [
      [
        'src/savepoint/send-savepoint.ts',
        'triggerId: attempt.triggerId,\n    targetDirectory',
        'triggerId: newTriggerId(),\n    targetDirectory',
      ],
    ],
  },
  'due-time': {
    what: 'a savepoint that was accepted or admitted is not due by itself: only the queue brings it',
    noticedBy: /^redis (?:killed|emptied)/,
    replace: [['src/savepoint/request-savepoint.ts', 'LOOK_BY_ITSELF_MS = 2_000', 'LOOK_BY_ITSELF_MS = 86_400_000']],
  },
  'process-mark': {
    what: 'an attempt may be sent to another JobManager process than the one it was stored for',
    noticedBy: /^flink restarted/,
    replace: [
      [
        'src/savepoint/savepoint.lifecycle.ts',
        'if (attempt.processMark === null || attempt.processMark !== cluster.processMark) return false;',
        '',
      ],
      [
        'src/savepoint/send-savepoint.ts',
        'if (processMark !== work.cluster.processMark) return readClusterFirst',
        'if (false as boolean) return readClusterFirst',
      ],
      [
        'src/savepoint/send-savepoint.ts',
        'if (attempt.sends === 0 && processMark !== attempt.processMark)',
        'if (false as boolean)',
      ],
    ],
  },
};
