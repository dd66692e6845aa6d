import { pino, type Logger } from 'pino';

export type { Logger };

/** One JSON line per event on stderr: stdout belongs to the supervisor's and the demo's own words. */
export function createLogger(level: string, process: 'api' | 'worker' | 'supervisor'): Logger {
  return pino(
    {
      level,
      base: { process },
      redact: {
        paths: ['req.headers.authorization', '*.authorization', '*.password', '*.apiToken'],
        censor: '[hidden]',
      },
    },
    pino.destination({ fd: 2, sync: false }),
  );
}
