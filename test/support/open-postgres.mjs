// Owns the embedded PostgreSQL of argv[2] in a process of its own, which a test can kill; told 'stop', ends in order.
import { openEmbeddedPostgres } from '../../dist/src/db/embedded-postgres.js';

try {
  const { url, pid, stop } = await openEmbeddedPostgres(process.argv[2]);
  process.on('message', () => void stop().then(() => process.exit(0)));
  process.send({ url, pid });
} catch (error) {
  process.send({ error: `${error.code}: ${error.message}` }, () => process.exit(1));
}
