import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { inspect } from 'node:util';
import { endLeftOvers } from './local-flink/left-overs.js';
import { projectFolder } from './project-folder.js';
import { chooseRealFlink } from './real-flink.js';
import { complain, markEveryLine, say, title } from './screen.js';
import { chooseSimulatedFlink } from './simulated-flink.js';
import { startStateward } from './start-stateward.js';
import { StatewardClient } from './stateward-client.js';
import { tour } from './tour.js';

const EX_NO_FLINK = 3;
/** sysexits */
const EX_USAGE = 64;
const OPTIONS = ['--once', '--simulated'];
const FLINK_VERSION = process.env.STATEWARD_FLINK_VERSION || '2.3.0';

const asked = process.argv.slice(2);
const once = asked.includes('--once');
const simulated = asked.includes('--simulated');
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
      complain(`${what} could not be stopped: ${inspect(error)}`);
    }
  }
  return clean;
}

/** Each kind has a folder of its own: what was simulated never lies among what is real. */
function demoFolder(): string {
  const parent = resolve(process.env.STATEWARD_DEMO_FOLDER || projectFolder());
  return join(parent, simulated ? '.stateward-demo-simulated' : '.stateward-demo');
}

async function run(): Promise<void> {
  const choice = await (simulated ? chooseSimulatedFlink : chooseRealFlink)(FLINK_VERSION);
  if ('remedy' in choice) {
    complain(choice.remedy);
    return end(EX_NO_FLINK);
  }
  const folder = demoFolder();
  await endLeftOvers(join(folder, 'flink'));
  await rm(folder, { recursive: true, force: true }); // each demo begins from nothing
  const flink = await choice.start(join(folder, 'flink'));
  opened.push({ what: 'Flink', stop: () => flink.stop() });

  title('Stateward, with its own PostgreSQL');
  const stateward = await startStateward(join(folder, 'data'), { onLine: say, onErrorLine: complain });
  opened.push({ what: 'Stateward', stop: () => stateward.stop() });
  const url = await stateward.ready;

  await tour(new StatewardClient(url), flink);

  title('Done');
  say(`All of it stays in ${folder} until the next ${simulated ? 'simulated ' : ''}demo.`);
  if (once) return end(0);
  say(`GraphQL      ${url}/graphql`);
  say(`Flink        ${flink.url}`);
  say('Both stay up. Ctrl-C stops them.');
  await new Promise(() => undefined); // until a signal ends it
}

let stopping = false;
async function end(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  if (opened.length > 0) title('Stopping');
  const clean = await stopAll();
  process.exit(clean ? code : 1);
}

async function fail(error: unknown): Promise<void> {
  if (stopping) return;
  complain(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}`);
  return end(1);
}

/** Node would print these itself, and without the mark. */
function speakForNode(): void {
  process.on('uncaughtException', (error) => {
    complain(inspect(error));
    void fail(error);
  });
  process.removeAllListeners('warning');
  process.on('warning', (warning) => complain(`${warning.name}: ${warning.message}`));
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void end(0));
if (simulated) {
  markEveryLine('SIMULATED');
  speakForNode();
}
const unknown = asked.filter((option) => !OPTIONS.includes(option));
if (unknown.length > 0) {
  complain(`The demo knows no ${unknown.join(' and no ')}. Its options: ${OPTIONS.join(', ')}.`);
  process.exit(EX_USAGE);
}
run().catch(fail);
