import { once } from 'node:events';

export default async function stopTestPostgres() {
  const keeper = globalThis.testPostgresKeeper;
  if (!keeper || keeper.exitCode !== null) return;
  const ended = once(keeper, 'exit');
  keeper.disconnect();
  await ended;
}
