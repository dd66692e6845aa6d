// `npm run check:playground [-- --screenshots <folder>]`: takes a person's way through the playground in a real browser.
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fetch } from 'undici';
import { startFakeFlink } from '../../dist/demo/fake-flink/fake-flink.js';
import { zipOf } from '../../dist/demo/fake-flink/zip-file.js';
import { findChromium, startChromium } from './chromium.mjs';
import { graphiqlOn } from './graphiql.mjs';
import { startStateward } from './stateward-process.mjs';

const TOKEN = 'a-token-for-the-check-of-the-playground';
const UUID = '[0-9a-f]{8}-[0-9a-f-]{27}';
const PROGRESS = /"acknowledgedSubtasks": (\d+),\s+"totalSubtasks": (\d+),\s+"bytes": (\d+),\s+"elapsedMs": (\d+)/;
const SAVEPOINT_TAKES_MS = 6_000;

const { values: options } = parseArgs({ options: { screenshots: { type: 'string' } } });
const chromium = findChromium();
if (chromium) await check(chromium);
else {
  process.exitCode = 1;
  console.error(
    'There is no Chromium in the PATH. Install one (Debian: apt-get install chromium), or name it: CHROMIUM=/path/to/chromium npm run check:playground.',
  );
}

async function check(path) {
  const screenshots = resolve(options.screenshots ?? mkdtempSync(join(tmpdir(), 'stateward-playground-')));
  mkdirSync(screenshots, { recursive: true });
  const dataFolder = mkdtempSync(join(tmpdir(), 'stateward-data-'));
  chmodSync(dataFolder, 0o755); // PostgreSQL, which is never root, must be able to pass it
  const stops = [() => rm(dataFolder, { recursive: true, force: true })];
  const start = async (starting) => {
    const started = await starting;
    stops.unshift(() => started.stop());
    return started;
  };
  let page;
  try {
    const flink = await start(startFakeFlink());
    flink.knobs.savepointDurationMs = SAVEPOINT_TAKES_MS;
    flink.knobs.savepointSteps = 8;
    const stateward = await start(startStateward(dataFolder));
    page = await start(startChromium(path));
    const savepointId = await takeTheTour(page, stateward.url, flink.url, screenshots);
    await stateward.stop();
    const guarded = await start(startStateward(dataFolder, { STATEWARD_API_TOKEN: TOKEN }));
    await giveTheToken(page, guarded.url, savepointId, screenshots);
    console.log(`The playground works. Screenshots: ${screenshots}`);
  } catch (error) {
    process.exitCode = 1;
    console.error(`${error.message}\nThe playground does NOT work as it should. Screenshots: ${screenshots}`);
    await page?.screenshot(join(screenshots, 'failed.png')).catch(complain);
  } finally {
    for (const stop of stops) await Promise.resolve(stop()).catch(complain); // the others are stopped all the same
  }
}

/** Register, start, take a savepoint and see it being made, look back. */
async function takeTheTour(page, url, flinkUrl, screenshots) {
  const shoot = (name) => page.screenshot(join(screenshots, `${name}.png`));
  const graphiql = graphiqlOn(page);
  await page.open(`${url}/graphql`);
  await graphiql.isShown();
  await graphiql.schemaIsRead();
  await shoot('1-opened');
  const names = 'RegisterCluster,CreateDeployment,CreateSavepoint,PreviewSchedule,History';
  expect('the tabs', (await graphiql.tabs()).join(), names);
  await page.waitFor(`localStorage.getItem('graphiql:tabState')`, 'that it keeps its tabs');
  await page.open(`${url}/graphql`);
  await graphiql.isShown();
  await graphiql.schemaIsRead();
  expect('the tabs of a second visit', (await graphiql.tabs()).join(), names);

  await graphiql.setVariables({ name: 'local', url: flinkUrl });
  await graphiql.run('RegisterCluster');
  const [, clusterId] = await graphiql.answers(new RegExp(`"id": "(${UUID})"`), 'the registered cluster');
  await shoot('2-registered');
  say(`registered ${flinkUrl} in the page`);

  const artifactId = await upload(url);
  await graphiql.openTab('CreateDeployment');
  await graphiql.setVariables({ name: 'counter', clusterId, artifactId, parallelism: 4 });
  await graphiql.run('CreateDeployment');
  const [, deploymentId] = await graphiql.answers(new RegExp(`"id": "(${UUID})"`), 'the deployment');
  await graphiql.setVariables({ deploymentId });
  await graphiql.run('StartDeployment');
  const [, jobId] = await graphiql.answers(new RegExp(`"Job",\\s+"id": "(${UUID})"`), 'the new run');
  await graphiql.setVariables({ jobId });
  await graphiql.run('WaitForStart');
  await graphiql.answers(/"state": "RUNNING"/, 'a running job');
  await shoot('3-started');
  say('created and started a deployment in the page');

  await graphiql.openTab('CreateSavepoint');
  await graphiql.setVariables({ deploymentId, description: 'from a browser' });
  await graphiql.run('CreateSavepoint');
  const [, savepointId] = await graphiql.answers(new RegExp(`"Savepoint",\\s+"id": "(${UUID})"`), 'the savepoint');
  await graphiql.setVariables({ savepointId });
  await graphiql.run('FollowSavepoint');
  const seen = await collectProgress(graphiql, () => shoot('4-progress'));
  await shoot('5-completed');
  if (seen.length < 3)
    throw new Error(`The page showed only ${seen.join('; ') || 'nothing'} of the savepoint's progress.`);
  say(`saw the savepoint being made (${seen.length} times: ${seen[0]} … ${seen.at(-1)}), then COMPLETED`);

  await graphiql.openTab('History');
  await graphiql.run('History');
  await graphiql.answers(new RegExp(`"id": "${savepointId}"`), 'the savepoint in the history');
  await shoot('6-history');
  await graphiql.setVariables({ deploymentId, after: '0' });
  await graphiql.run('FollowDeployment');
  await graphiql.answers(/"SAVEPOINT_DETAILS"/, 'the events of the deployment');
  await shoot('7-events');
  say('saw savepoints and events in the page');
  checkBehaviour(page, url);
  return savepointId;
}

/** With a token configured: the page opens, says what is missing, and works with headers, subscriptions included. */
async function giveTheToken(page, url, savepointId, screenshots) {
  const graphiql = graphiqlOn(page);
  await page.open(`${url}/graphql`);
  await graphiql.isShown();
  await graphiql.answers(/Send the API token/, 'that a token is asked for');
  await page.screenshot(join(screenshots, '8-token-missing.png'));
  await graphiql.openTab('CreateSavepoint');
  await graphiql.setVariables({ savepointId });
  await graphiql.run('FollowSavepoint');
  await graphiql.answers(/token is missing or wrong/, 'that the subscription was refused');

  await graphiql.setHeaders({ Authorization: `Bearer ${TOKEN}` });
  await graphiql.run('FollowSavepoint');
  await graphiql.answers(/"state": "COMPLETED"/, 'the savepoint by the subscription');
  await page.screenshot(join(screenshots, '9-token-given.png'));
  await graphiql.refetchSchema();
  await graphiql.openTab('RegisterCluster');
  await graphiql.run('Clusters');
  await graphiql.answers(/"name": "local"/, 'the clusters, in a tab that was given no token');
  say('gave the token in the headers of one tab: queries and subscriptions work');
  checkBehaviour(page, url, (complaint) => !/\b401\b/.test(complaint));
  const stored = await page.evaluate(`JSON.stringify(localStorage) + location.href`);
  if (stored.includes(TOKEN)) throw new Error('The page left the API token in the browser (localStorage or address).');
}

/** How far the savepoint was, each time that the page showed something else, until its end. */
async function collectProgress(graphiql, onFirst) {
  const seen = [];
  for (const deadline = Date.now() + SAVEPOINT_TAKES_MS + 20_000; Date.now() < deadline; await sleep(30)) {
    const text = await graphiql.answer();
    if (/"state": "COMPLETED"/.test(text)) return seen;
    const [, count, total, bytes, elapsedMs] = PROGRESS.exec(text) ?? [];
    const now = `${count} of ${total} subtasks, ${bytes} bytes, after ${elapsedMs} ms`;
    if (count === undefined || seen.includes(now)) continue;
    if (seen.push(now) === 2) await onFirst();
  }
  throw new Error(`The page did not show the savepoint's end. Its answer: ${await graphiql.answer()}`);
}

async function upload(url) {
  const manifest = 'Manifest-Version: 1.0\r\nMain-Class: org.example.Job\r\n\r\n';
  const jar = zipOf({ 'META-INF/MANIFEST.MF': manifest, 'org/example/Job.class': 'not really a class' });
  const answer = await fetch(`${url}/artifacts/job.jar`, { method: 'PUT', body: jar });
  const { artifact } = await answer.json();
  if (!artifact) throw new Error(`The jar was not taken: HTTP ${answer.status}`);
  return artifact.id;
}

/** No request to another host, ever, and nothing in the console that was not expected. */
function checkBehaviour(page, url, isBad = () => true) {
  const own = new URL(url).host;
  const elsewhere = page.asked.filter(
    (address) => !/^(data|blob|about):/.test(address) && new URL(address).host !== own,
  );
  const bad = page.complaints.filter(isBad);
  if (elsewhere.length > 0) throw new Error(`The page asked for what is not ours:\n${elsewhere.join('\n')}`);
  if (bad.length > 0) throw new Error(`The console has errors:\n${bad.join('\n')}`);
  if (page.asked.length < 5) throw new Error(`Only ${page.asked.length} requests were seen: nothing was proven.`);
  say(`${page.asked.length} requests, all to ${own}; no unexpected error in the console`);
  page.asked.length = 0;
  page.complaints.length = 0;
}

function expect(what, found, wanted) {
  if (found !== wanted) throw new Error(`Expected ${what} to be ${wanted}, and found ${found}.`);
}

function complain({ message }) {
  process.exitCode = 1;
  console.error(message);
}

function say(text) {
  console.log(`  ${text}`);
}
