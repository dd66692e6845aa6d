// One PostgreSQL for the whole run, from npm's binaries, in a folder of its own that goes when the run ends.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export default async function setUp() {
  const { openEmbeddedPostgres } = await import('../../dist/src/db/embedded-postgres.js');
  const folder = mkdtempSync(join(tmpdir(), 'stateward-test-'));
  chmodSync(folder, 0o755); // as root the server runs as another user, which must get in
  const postgres = await openEmbeddedPostgres(folder, { settings: { fsync: 'off', max_connections: '300' } });
  process.env.STATEWARD_TEST_POSTGRES = postgres.url;
  globalThis.statewardTestPostgres = { postgres, folder };
  // A run that is broken off leaves nothing behind either.
  process.once('exit', () => {
    try {
      process.kill(postgres.pid, 'SIGINT');
    } catch {
      return; // stopped in good order before
    }
    rmSync(folder, { recursive: true, force: true });
  });
}
