import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { assembleFlink } from './local-flink/assemble.js';
import { projectFolder } from './project-folder.js';
import { compileFlinkJobs } from './local-flink/flink-jobs.js';
import { findJavaTools } from './local-flink/java-tools.js';
import { endLeftOvers } from './local-flink/left-overs.js';
import { startLocalFlink } from './local-flink/local-flink.js';
import { say, title } from './screen.js';
import { startStateward } from './start-stateward.js';
import { StatewardClient } from './stateward-client.js';
import { tour } from './tour.js';

const FLINK_VERSION = process.env.STATEWARD_FLINK_VERSION ?? '2.3.0';
const EX_NO_JAVA = 3;

const once = process.argv.includes('--once');
const opened: { what: string; stop: () => Promise<void> }[] = [];

/** In the reverse order; one that does not stop keeps none of the others. */
async function stopAll(): Promise<boolean> {
  let clean = true;
  for (const { what, stop } of opened.splice(0).reverse()) {
    try {
      await stop();
      say(`${what} stopped`);
    } catch (error) {
      clean = false;
      console.error(`${what} could not be stopped:`, error);
    }
  }
  return clean;
}

async function run(): Promise<void> {
  const tools = await findJavaTools();
  if ('missing' in tools) {
    console.error(tools.remedy);
    process.exit(EX_NO_JAVA);
  }
  const folder = join(projectFolder(), '.stateward-demo');
  await endLeftOvers(join(folder, 'flink'));
  await rm(folder, { recursive: true, force: true }); // each demo begins from nothing

  title(`A real Flink ${FLINK_VERSION}`);
  const distribution = await assembleFlink(FLINK_VERSION, { onProgress: say });
  const jobs = await compileFlinkJobs(distribution, { onProgress: say });
  const jar = jobs.StatefulCounter;
  if (!jar) throw new Error('The demo job StatefulCounter was not compiled.');
  const flink = await startLocalFlink({ version: FLINK_VERSION, folder: join(folder, 'flink'), onProgress: say });
  opened.push({ what: 'Flink', stop: () => flink.stop() });

  title('Stateward, with its own PostgreSQL');
  const stateward = await startStateward(join(folder, 'data'), say);
  opened.push({ what: 'Stateward', stop: () => stateward.stop() });

  await tour(new StatewardClient(stateward.url), flink, jar);

  title('Done');
  if (once) return;
  say(`GraphQL      ${stateward.url}/graphql`);
  say(`Flink        ${flink.url}`);
  say('Both stay up. Ctrl-C stops them.');
  await new Promise(() => undefined); // until a signal ends it
}

let stopping = false;
async function end(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  title('Stopping');
  const clean = await stopAll();
  process.exit(clean ? code : 1);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(0));

run().then(
  () => end(0),
  (error: unknown) => {
    if (stopping) return;
    console.error(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}`);
    return end(1);
  },
);
