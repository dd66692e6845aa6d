import { z } from 'zod';
import { AppError } from '../errors.js';
import { readClusterFacts, readProcessMark } from './cluster-facts.js';
import { readContent, readErrors, readReply } from './flink-answer.js';
import { FlinkHttp, type FlinkAnswer, type FlinkLimits } from './flink-http.js';
import * as wire from './flink-wire.js';
import type {
  CheckpointConfig,
  CheckpointStatistics,
  ClusterFacts,
  DisposalStatus,
  FlinkApi,
  FlinkCause,
  FlinkJobDetails,
  FlinkJobOverview,
  FlinkJobState,
  FlinkReply,
  OperationStatus,
  PlanJar,
  PlannedOperator,
  RunJar,
  Slots,
  StopWithSavepoint,
  TriggerSavepoint,
  VertexAcknowledgement,
} from './flink.types.js';
import { openJarUpload } from './jar-upload.js';
import { chooseJobFailure } from './job-failure.js';

/** How many vertices, and subtasks of each, are looked at one by one for what a snapshot still waits for. */
const PENDING_LIMIT = 20;

/** A plan shows the first operator of a chain alone. */
const UNCHAINED = { 'pipeline.operator-chaining.enabled': 'false' };

/** Texts of the 404s that are answers; 1.20.5 and 2.3.0. Any other 404 comes from something that is not a JobManager. */
const JOB_UNKNOWN = /\bJob [0-9a-f]{32} not found|Job could not be found|FlinkJobNotFoundException/;
const NO_COORDINATOR = /Checkpointing has not been enabled/;
const NO_STATISTICS = /Could not find checkpointing statistics/;
const TRIGGER_UNKNOWN = /There is no savepoint operation with triggerId=/;
const DISPOSAL_UNKNOWN = /Operation not found under key/;
const JAR_UNKNOWN = /does not exist in /;

/** Speaks to one JobManager of Flink 1.20 or 2.x; see {@link FlinkApi} for what each call means. */
export class FlinkClient implements FlinkApi {
  readonly url: string;
  private readonly http: FlinkHttp;

  /** @throws AppError BAD_USER_INPUT for an address that cannot be one of a JobManager, or that holds credentials. */
  constructor(url: string, options: Partial<FlinkLimits> = {}) {
    this.http = new FlinkHttp(url, options);
    this.url = this.http.url;
  }

  async clusterFacts(): Promise<ClusterFacts> {
    const [version, configuration] = await Promise.all([
      this.read('/config', wire.versionWire),
      this.read('/jobmanager/config', wire.clusterConfigurationWire),
    ]);
    return readClusterFacts(version, configuration);
  }

  async processMark(): Promise<string | null> {
    return readProcessMark(await this.read('/jobmanager/config', wire.clusterConfigurationWire));
  }

  async slots(): Promise<Slots> {
    return this.read('/overview', wire.overviewWire);
  }

  async taskManagerHosts(): Promise<string[]> {
    return this.read('/taskmanagers', wire.taskManagersWire);
  }

  async jobs(): Promise<FlinkJobOverview[]> {
    return (await this.read('/jobs/overview', wire.jobsWire)).jobs;
  }

  async jobStatus(jobId: string): Promise<FlinkJobState | null> {
    const answer = await this.http.send({ method: 'GET', path: `/jobs/${part(jobId)}/status` });
    // An unknown job is a 500 here, and nowhere else (1.20.5, 2.3.0).
    const unknown = readErrors(answer)?.some((error) => JOB_UNKNOWN.test(error)) ?? false;
    return unknown ? null : readContent(answer, wire.jobStatusWire);
  }

  async job(jobId: string): Promise<FlinkJobDetails | null> {
    return this.readUnless(JOB_UNKNOWN, `/jobs/${part(jobId)}`, wire.jobWire);
  }

  async checkpointConfig(jobId: string): Promise<CheckpointConfig | null> {
    return this.readUnless(
      [JOB_UNKNOWN, NO_COORDINATOR],
      `/jobs/${part(jobId)}/checkpoints/config`,
      wire.checkpointConfigWire,
    );
  }

  async checkpoints(jobId: string): Promise<CheckpointStatistics | null> {
    return this.readUnless([JOB_UNKNOWN, NO_COORDINATOR], `/jobs/${part(jobId)}/checkpoints`, wire.checkpointsWire);
  }

  async acknowledgements(jobId: string, checkpointId: number): Promise<VertexAcknowledgement[] | null> {
    const path = `/jobs/${part(jobId)}/checkpoints/details/${checkpointId}`;
    const gone = [JOB_UNKNOWN, NO_COORDINATOR, NO_STATISTICS];
    const details = await this.readUnless(gone, path, wire.checkpointDetailsWire);
    if (details === null) return null;

    const vertices: VertexAcknowledgement[] = [];
    let lookedAt = 0;
    for (const [vertexId, { num_subtasks: subtasks, num_acknowledged_subtasks: acknowledged }] of Object.entries(
      details.tasks,
    )) {
      let pending: number[] | null = acknowledged >= subtasks ? [] : null;
      if (pending === null && lookedAt < PENDING_LIMIT) {
        lookedAt += 1;
        const indexes = await this.readUnless(gone, `${path}/subtasks/${part(vertexId)}`, wire.subtasksWire);
        pending = indexes?.slice(0, PENDING_LIMIT) ?? null;
      }
      vertices.push({ vertexId, subtasks, acknowledged, pending });
    }
    return vertices;
  }

  async stateBytesByVertex(jobId: string, checkpointId: number): Promise<Map<string, number> | null> {
    const path = `/jobs/${part(jobId)}/checkpoints/details/${checkpointId}`;
    return this.readUnless([JOB_UNKNOWN, NO_COORDINATOR, NO_STATISTICS], path, wire.stateByVertexWire);
  }

  async jobFailure(jobId: string): Promise<FlinkCause | null> {
    const traces = await this.readUnless(JOB_UNKNOWN, `/jobs/${part(jobId)}/exceptions`, wire.exceptionsWire);
    const cause = chooseJobFailure(traces ?? []);
    // The only place that names a restore which the adaptive scheduler of 2.x refused.
    return cause ?? this.readUnless(JOB_UNKNOWN, `/jobs/${part(jobId)}/execution-result`, wire.executionResultWire);
  }

  async triggerSavepoint(jobId: string, body: TriggerSavepoint): Promise<FlinkReply<{ requestId: string }>> {
    refuseEmpty(body.targetDirectory, 'target directory of a savepoint', "the cluster's default directory");
    const answer = await this.post(`/jobs/${part(jobId)}/savepoints`, {
      'target-directory': body.targetDirectory,
      formatType: body.format,
      triggerId: body.triggerId,
    });
    return readReply(answer, wire.triggeredWire);
  }

  async stopWithSavepoint(jobId: string, body: StopWithSavepoint): Promise<FlinkReply<{ requestId: string }>> {
    refuseEmpty(body.targetDirectory, 'target directory of a stop', "the cluster's default directory");
    // Not `target-directory`, as a savepoint has it: Flink would ignore that and stop into its default directory.
    const answer = await this.post(`/jobs/${part(jobId)}/stop`, {
      targetDirectory: body.targetDirectory,
      drain: body.drain,
      formatType: body.format,
      triggerId: body.triggerId,
    });
    return readReply(answer, wire.triggeredWire);
  }

  /** The location comes back as Flink wrote it. */
  async savepointOperation(jobId: string, triggerId: string): Promise<OperationStatus> {
    const path = `/jobs/${part(jobId)}/savepoints/${part(triggerId)}`;
    return (await this.readUnless(TRIGGER_UNKNOWN, path, wire.savepointOperationWire)) ?? { status: 'UNKNOWN' };
  }

  async disposeSavepoint(location: string): Promise<FlinkReply<{ requestId: string }>> {
    refuseEmpty(location, 'path of a disposal', 'no path at all');
    return readReply(await this.post('/savepoint-disposal', { 'savepoint-path': location }), wire.triggeredWire);
  }

  async disposalOperation(requestId: string): Promise<DisposalStatus> {
    const path = `/savepoint-disposal/${part(requestId)}`;
    return (await this.readUnless(DISPOSAL_UNKNOWN, path, wire.disposalOperationWire)) ?? { status: 'UNKNOWN' };
  }

  async uploadJar(file: { path: string; name: string }, signal?: AbortSignal): Promise<FlinkReply<{ jarId: string }>> {
    const body = await openJarUpload(file);
    const answer = await this.http.send({
      method: 'POST',
      path: '/jars/upload',
      body,
      long: true,
      ...(signal && { signal }),
    });
    return readReply(answer, wire.uploadedWire);
  }

  async runJar(jarId: string, body: RunJar, signal?: AbortSignal): Promise<FlinkReply<{ jobId: string }>> {
    if (body.savepointPath !== undefined)
      refuseEmpty(body.savepointPath, 'savepoint path of a start', 'no state at all');
    const answer = await this.post(
      `/jars/${part(jarId)}/run`,
      {
        jobId: body.jobId,
        ...programOf(body),
        ...(body.savepointPath !== undefined && {
          savepointPath: body.savepointPath,
          claimMode: 'NO_CLAIM',
          allowNonRestoredState: body.allowNonRestoredState ?? false,
        }),
      },
      { long: true, ...(signal && { signal }) },
    );
    return readReply(answer, wire.startedWire);
  }

  async planJar(
    jarId: string,
    body: PlanJar,
    signal?: AbortSignal,
  ): Promise<FlinkReply<{ operators: PlannedOperator[] }>> {
    const flinkConfiguration = { ...body.flinkConfiguration, ...UNCHAINED };
    const answer = await this.post(`/jars/${part(jarId)}/plan`, programOf({ ...body, flinkConfiguration }), {
      long: true,
      ...(signal && { signal }),
    });
    return readReply(answer, wire.plannedWire);
  }

  async uploadedJars(): Promise<{ id: string; name: string }[]> {
    return (await this.read('/jars', wire.jarsWire)).files;
  }

  async deleteJar(jarId: string): Promise<boolean> {
    const answer = await this.http.send({ method: 'DELETE', path: `/jars/${part(jarId)}` });
    if (answer.status < 400) return true;
    // An unknown jar is a 400 (1.20.5, 2.3.0).
    return readErrors(answer)?.some((error) => JAR_UNKNOWN.test(error)) ?? false;
  }

  async cancelJob(jobId: string): Promise<FlinkReply<object>> {
    const answer = await this.http.send({ method: 'PATCH', path: `/jobs/${part(jobId)}?mode=cancel` });
    return readReply(answer, z.object({}));
  }

  async close(): Promise<void> {
    await this.http.close();
  }

  private async read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return readContent(await this.http.send({ method: 'GET', path }), schema);
  }

  /** null for a 404 of Flink's own whose text is one of these. */
  private async readUnless<T>(absent: RegExp | RegExp[], path: string, schema: z.ZodType<T>): Promise<T | null> {
    const answer = await this.http.send({ method: 'GET', path });
    const errors = answer.status === 404 ? readErrors(answer) : null;
    if (errors && [absent].flat().some((text) => errors.some((error) => text.test(error)))) return null;
    return readContent(answer, schema);
  }

  private async post(
    path: string,
    body: object,
    options: { long?: boolean; signal?: AbortSignal } = {},
  ): Promise<FlinkAnswer> {
    const content = JSON.stringify(body);
    return this.http.send({
      method: 'POST',
      path,
      body: { contentType: 'application/json', lengthBytes: Buffer.byteLength(content), content },
      ...options,
    });
  }
}

function programOf(body: PlanJar): object {
  return {
    // Both versions read the list; `programArgs` is ignored by 2.x.
    programArgsList: body.programArguments,
    flinkConfiguration: body.flinkConfiguration,
    ...(body.entryClass !== null && { entryClass: body.entryClass }),
    ...(body.parallelism !== null && { parallelism: body.parallelism }),
  };
}

function part(id: string): string {
  return encodeURIComponent(id);
}

/** Flink takes an empty text as an absent field (1.20.5, 2.3.0). */
function refuseEmpty(text: string, what: string, instead: string): void {
  if (text.trim() !== '') return;
  throw new AppError(
    'BAD_USER_INPUT',
    `The ${what} is empty; Flink would silently take ${instead}. Give a full location.`,
  );
}
