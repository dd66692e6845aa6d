import 'reflect-metadata';
import { loadConfig, requireDatabaseUrl } from './config.js';
import { createApi } from './api/server.js';
import { createSchema } from './api/schema.js';
import { AppError } from './errors.js';
import { createLogger } from './logger.js';
import { openServices } from './services.js';

/** sysexits: what a supervisor must not try again. */
const EX_CONFIG = 78;
const EX_UNAVAILABLE = 69;

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const databaseUrl = requireDatabaseUrl(config);
  const log = createLogger(config.logLevel, 'api');
  const services = await openServices(config, databaseUrl, log, 'api');
  const api = await createApi(services, await createSchema(services));

  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await api.close();
    await services.close();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'disconnect'] as const) process.on(signal, () => void stop());

  const url = await api.listen();
  log.info({ url }, 'the API listens');
  process.send?.({ type: 'ready', url });
}

main().catch((error: unknown) => {
  const portTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  const badConfiguration = error instanceof AppError && error.code === 'BAD_CONFIGURATION';
  if (portTaken)
    console.error(
      `${(error as Error).message}. Another program listens there: stop it, or set STATEWARD_PORT to a free port.`,
    );
  else console.error(badConfiguration ? error.message : error);
  process.exit(badConfiguration ? EX_CONFIG : portTaken ? EX_UNAVAILABLE : 1);
});
