import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import type { Cluster } from './cluster.js';
import type { CheckpointView } from './checkpoint-statistics.js';
import { viewCheckpoints } from './checkpoint-statistics.js';
import { captured, isObject, replyLike } from './captured-replies.js';
import type { JsonObject, Reply } from './captured-replies.js';
import type { FakeJob } from './fake-job.js';
import { planJar } from './jar-plan.js';
import type { JarStore, Upload } from './jar-store.js';
import {
  checkpointConfigJson,
  detailsJson,
  exceptionsJson,
  executionResultJson,
  jobConfigJson,
  overviewJson,
  planJson,
} from './job-replies.js';
import type { JobSubmission } from './job-submission.js';
import type { SavepointDisposal } from './savepoint-disposal.js';
import type { CheckpointOperations } from './checkpoint-operations.js';
import type { SavepointOperations } from './savepoint-operations.js';

export interface Asked {
  method: string;
  /** Without `/v1` and without the query. */
  path: string;
  query: URLSearchParams;
  body: JsonObject;
  raw: IncomingMessage;
  /** Notes what a multipart body held. */
  noteUpload: (upload: Upload) => void;
}

type Parameter = 'jobid' | 'triggerid' | 'checkpointid' | 'vertexid' | 'jarid';
type Handler = (ids: string[], asked: Asked) => Reply | Promise<Reply>;

const ok = (body: unknown): Reply => ({ status: 200, body });
const ID = /^[0-9a-f]{32}$/i;
const SHAPES: Record<Parameter, RegExp> = { jobid: ID, triggerid: ID, vertexid: ID, checkpointid: /^\d+$/, jarid: /./ };

/** The REST endpoints: who answers which path. */
export class Routes {
  private readonly table: { method: string; parts: string[]; handle: Handler }[] = [];
  private readonly checkpointCache = new Map<string, { at: number; view: CheckpointView }>();
  private readonly graphCache = new Map<string, { at: number; body: JsonObject }>();

  constructor(
    private readonly cluster: Cluster,
    private readonly operations: SavepointOperations,
    private readonly checkpoints: CheckpointOperations,
    private readonly jars: JarStore,
    private readonly submission: JobSubmission,
    private readonly disposal: SavepointDisposal,
    private readonly url: () => string,
  ) {
    this.addClusterRoutes();
    this.addJobRoutes();
    this.addOperationRoutes();
  }

  async answer(asked: Asked): Promise<Reply> {
    const parts = asked.path.split('/').slice(1);
    for (const { method, parts: pattern, handle } of this.table) {
      const fits =
        pattern.length === parts.length && pattern.every((part, i) => part.startsWith(':') || part === parts[i]);
      if (method !== asked.method || !fits) continue;
      const names = pattern.filter((part) => part.startsWith(':')).map((part) => part.slice(1) as Parameter);
      const values = parts.filter((_, index) => pattern[index]?.startsWith(':')).map(decodeURIComponent);
      for (const [index, name] of names.entries()) {
        const value = values[index] ?? '';
        if (!SHAPES[name].test(value)) return this.malformed(name, value);
      }
      const ids = values.map((value, index) => (names[index] === 'jarid' ? value : value.toLowerCase()));
      return handle(ids, asked);
    }
    if (asked.method !== 'GET') return { status: 404, body: { errors: [`Not found: ${asked.path}`] } };
    return { status: 404, body: { errors: [`Unable to load requested file ${asked.path}.`] } };
  }

  forgetCaches(): void {
    this.checkpointCache.clear();
    this.graphCache.clear();
  }

  private on(route: string, handle: Handler): void {
    const [method = '', pattern = ''] = route.split(' ');
    this.table.push({ method, parts: pattern.split('/').slice(1), handle });
  }

  /** A route below a job: `missing` is the captured 404 of an unknown one. */
  private onJob(route: string, missing: string, handle: (job: FakeJob, ids: string[], asked: Asked) => Reply): void {
    this.on(route, (ids, asked) => {
      const [jobId = ''] = ids;
      const job = this.cluster.jobs.get(jobId);
      return job === undefined ? replyLike(this.cluster.version, missing, [jobId]) : handle(job, ids, asked);
    });
  }

  private addClusterRoutes(): void {
    const { cluster } = this;
    const { version } = cluster;
    this.on('GET /config', () => ok(captured(version, 'config').body));
    this.on('GET /jobmanager/config', () => ok(this.configurationJson()));
    this.on('GET /overview', () => {
      const states = [...cluster.jobs.values()].map((job) => job.state);
      const count = (...wanted: string[]): number => states.filter((state) => wanted.includes(state)).length;
      const ended = count('FINISHED', 'CANCELED', 'FAILED');
      const shown = captured(version, 'overview').body;
      return ok({
        ...(isObject(shown) ? shown : {}),
        ...(cluster.taskManagersLost ? { taskmanagers: 0 } : {}),
        'slots-total': cluster.taskManagersLost ? 0 : cluster.slots,
        'slots-available': cluster.availableSlots(),
        'jobs-running': states.length - ended,
        'jobs-finished': count('FINISHED'),
        'jobs-cancelled': count('CANCELED'),
        'jobs-failed': count('FAILED'),
      });
    });
    this.on('GET /taskmanagers', () => ok({ taskmanagers: taskManagersJson(cluster) }));
    this.on('POST /jars/upload', async (_, asked) => {
      const { reply, upload } = await this.jars.upload(asked.raw);
      asked.noteUpload(upload);
      return reply;
    });
    this.on('GET /jars', () => this.jars.list(this.url()));
    this.on('POST /jars/:jarid/run', ([id = ''], { body }) => this.submission.run(id, body));
    this.on('POST /jars/:jarid/plan', ([id = ''], { body }) => planJar(cluster, this.jars, id, body));
    this.on('DELETE /jars/:jarid', ([id = '']) => this.jars.delete(id));
    this.on('POST /savepoint-disposal', (_, { body }) => this.disposal.trigger(body));
    this.on('GET /savepoint-disposal/:triggerid', ([id = '']) => this.disposal.poll(id));
  }

  private addJobRoutes(): void {
    const { cluster } = this;
    const jobs = (): FakeJob[] => [...cluster.jobs.values()];
    this.on('GET /jobs', () => ok({ jobs: jobs().map(({ id, state }) => ({ id, status: state })) }));
    this.on('GET /jobs/overview', () => ok({ jobs: jobs().map((job) => overviewJson(cluster, job)) }));
    this.onJob('GET /jobs/:jobid', 'job-unknown', (job) =>
      ok(this.cachedGraph(`details/${job.id}`, () => detailsJson(cluster, job))),
    );
    this.onJob('GET /jobs/:jobid/config', 'job-unknown', (job) => ok(jobConfigJson(cluster, job)));
    this.onJob('GET /jobs/:jobid/plan', 'job-unknown', (job) => ok({ plan: planJson(cluster, job) }));
    this.onJob('GET /jobs/:jobid/status', 'job-status-unknown', ({ state }) => ok({ status: state }));
    this.onJob('GET /jobs/:jobid/exceptions', 'job-unknown', (job) =>
      ok(this.cachedGraph(`exceptions/${job.id}`, () => exceptionsJson(cluster, job))),
    );
    this.onJob('GET /jobs/:jobid/execution-result', 'execution-result-unknown', (job) =>
      ok(executionResultJson(cluster, job)),
    );
    const unknown = 'checkpoints-after-jobmanager-restart';
    this.onJob('GET /jobs/:jobid/checkpoints', unknown, (job) => ok(this.checkpointsOf(job).overview));
    this.onJob('GET /jobs/:jobid/checkpoints/config', 'job-unknown', (job) => ok(checkpointConfigJson(job)));
    const gone = (checkpointId: string): Reply =>
      replyLike(
        cluster.version,
        'checkpoint-details-gone',
        [],
        [['for checkpoint 1.', `for checkpoint ${checkpointId}.`]],
      );
    this.onJob('GET /jobs/:jobid/checkpoints/details/:checkpointid', unknown, (job, [, id = '']) => {
      const details = this.checkpointsOf(job).details(Number(id));
      return details === undefined ? gone(id) : ok(details);
    });
    const subtasks = 'GET /jobs/:jobid/checkpoints/details/:checkpointid/subtasks/:vertexid';
    this.onJob(subtasks, unknown, (job, [, id = '', vertex = '']) => {
      const details = this.checkpointsOf(job).subtasks(Number(id), vertex);
      return details === undefined ? gone(id) : ok(details);
    });
    this.onJob('PATCH /jobs/:jobid', 'cancel-unknown-job', (job) => this.cancel(job));
  }

  private addOperationRoutes(): void {
    const { operations, checkpoints } = this;
    this.on('POST /jobs/:jobid/checkpoints', ([id = ''], { body }) => checkpoints.trigger(id, body));
    this.on('GET /jobs/:jobid/checkpoints/:triggerid', ([id = '', trigger = '']) => checkpoints.poll(id, trigger));
    this.on('POST /jobs/:jobid/savepoints', ([id = ''], { body }) => operations.trigger('SAVEPOINT', id, body));
    this.on('POST /jobs/:jobid/stop', ([id = ''], { body }) => operations.trigger('STOP', id, body));
    this.on('GET /jobs/:jobid/savepoints/:triggerid', ([id = '', trigger = '']) => operations.poll(id, trigger));
  }

  private cancel(job: FakeJob): Reply {
    const { version, knobs, timeline } = this.cluster;
    if (job.state === 'FINISHED' || job.state === 'FAILED') {
      return replyLike(version, `cancel-of-${job.state.toLowerCase()}-job`, [job.id]);
    }
    if (!job.hasEnded() && job.state !== 'CANCELLING') {
      job.setState('CANCELLING');
      const end = (): void => {
        if (job.state === 'CANCELLING') job.setState('CANCELED');
      };
      if (knobs.cancelDurationMs <= 0) end();
      else timeline.after(knobs.cancelDurationMs, end);
    }
    return { status: 202, body: {} };
  }

  private checkpointsOf(job: FakeJob): CheckpointView {
    const now = performance.now();
    const cached = this.checkpointCache.get(job.id);
    if (cached !== undefined && now - cached.at < this.cluster.knobs.statisticsCacheMs) return cached.view;
    const view = viewCheckpoints(job, this.cluster.historySize);
    this.checkpointCache.set(job.id, { at: now, view });
    return view;
  }

  private cachedGraph(key: string, read: () => JsonObject): JsonObject {
    const now = performance.now();
    const cached = this.graphCache.get(key);
    const { detailsCacheMs, statisticsCacheMs } = this.cluster.knobs;
    if (cached !== undefined && now - cached.at < (detailsCacheMs ?? statisticsCacheMs)) return cached.body;
    const body = read();
    this.graphCache.set(key, { at: now, body });
    return body;
  }

  private configurationJson(): { key: string; value: string }[] {
    const { cluster } = this;
    const temporary = path.join(cluster.folder, 'tmp', `flink-web-${cluster.processMark}`);
    const shown = new Map([...cluster.configuration]);
    if (cluster.showsProcessMark) shown.set('web.tmpdir', temporary);
    return [...shown].map(([key, value]) => ({ key, value }));
  }

  private malformed(name: Parameter, value: string): Reply {
    return replyLike(
      this.cluster.version,
      'job-malformed-id',
      [],
      [['(jobid) from value "zz"', `(${name}) from value "${value}"`]],
    );
  }
}

/** One captured TaskManager after another: with the first all slots, since the fake counts those of the cluster only. */
function taskManagersJson(cluster: Cluster): JsonObject[] {
  const { taskmanagers } = captured(cluster.version, 'taskmanagers').body as { taskmanagers: [JsonObject] };
  if (cluster.taskManagersLost) return [];
  return cluster.knobs.taskManagerHosts.map((host, index) => ({
    ...taskmanagers[0],
    id: `${host}:4000${index}-abc${index}`,
    path: `pekko.tcp://flink@${host}:4000${index}/user/rpc/taskmanager_0`,
    timeSinceLastHeartbeat: cluster.timeline.now(),
    slotsNumber: index === 0 ? cluster.slots : 0,
    freeSlots: index === 0 ? cluster.availableSlots() : 0,
  }));
}
