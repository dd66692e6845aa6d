import { loadConfig, requireDatabaseUrl } from '../src/config.js';
import { AppError } from '../src/errors.js';
import { createLogger } from '../src/logger.js';
import { openServices } from '../src/services.js';
import { startWorker } from './start-worker.js';

const EX_CONFIG = 78;

async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const databaseUrl = requireDatabaseUrl(config);
  const log = createLogger(config.logLevel, 'worker');
  const services = await openServices(config, databaseUrl, log, 'worker');
  const worker = startWorker(services);

  let stopping = false;
  const stop = async (): Promise<void> => {
    if (stopping) return;
    stopping = true;
    await worker.stop();
    await services.close();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'disconnect'] as const) process.on(signal, () => void stop());

  log.info({ workerId: worker.workerId }, 'the worker runs');
  process.send?.({ type: 'ready' });
}

main().catch((error: unknown) => {
  const badConfiguration = error instanceof AppError && error.code === 'BAD_CONFIGURATION';
  console.error(badConfiguration ? error.message : error);
  process.exit(badConfiguration ? EX_CONFIG : 1);
});
