import { basename } from 'node:path';
import { readFile } from 'node:fs/promises';
import { expect } from '@jest/globals';
import type { ContractCase } from '../contract-case.js';
import { operatorIdOf } from '../../../src/flink/operator-id.js';
import { newId, textOf, type Answer } from '../contract-session.js';

const NO_JAR = '00000000-0000-0000-0000-000000000000_x.jar';
const DUPLICATE = /Duplicate(Job|Application)SubmissionException/;

const idsIn = ({ body }: Answer): string[] =>
  (body as { plan: { nodes: { id: string }[] } }).plan.nodes.map(({ id }) => id);

/** Jars, and what is run of them. */
export const JAR_CASES: ContractCase[] = [
  {
    name: 'keeps an uploaded jar until it is deleted',
    holds: async (flink) => {
      const uploaded = flink.note('upload', await flink.upload('my job.jar', await readFile(flink.target.jarFile)));
      expect(uploaded).toMatchObject({ status: 200, body: { status: 'success' } });
      const jarId = basename((uploaded.body as { filename: string }).filename);
      expect(jarId).toMatch(/^[0-9a-f-]{36}_my job\.jar$/);
      const listed = (await flink.take('jars', 'GET /jars')).body as { files: { id: string; name: string }[] };
      expect(listed.files.find(({ id }) => id === jarId)).toMatchObject({
        name: 'my job.jar',
        entry: [{ name: 'stateward.jobs.StatefulCounter' }],
      });
      expect(await flink.client.uploadedJars()).toContainEqual({ id: jarId, name: 'my job.jar' });
      const path = `DELETE /jars/${encodeURIComponent(jarId)}`;
      expect(await flink.take('deleted', path)).toMatchObject({ status: 200, body: {} });
      const again = await flink.take('deleted again', path);
      expect(again.status).toBe(400);
      expect(textOf(again)).toContain(`File ${jarId} does not exist in `);
      expect(await flink.client.deleteJar(jarId)).toBe(true);
      expect((await flink.client.uploadedJars()).map(({ id }) => id)).not.toContain(jarId);
    },
  },
  {
    name: 'takes no upload that is not called .jar',
    holds: async (flink) => {
      const refused = flink.note('refused', await flink.upload('job.py', Buffer.from('print()')));
      expect(refused.status).toBe(400);
      expect(textOf(refused)).toContain('Only Jar files are allowed.');
      const unfit = await flink.take('no multipart', 'POST /jars/upload', {});
      expect(unfit.status).toBe(400);
      expect(textOf(unfit)).toContain('Exactly 1 file must be sent, received 0.');
    },
  },
  {
    name: 'refuses to delete or run a jar that it has not',
    holds: async (flink) => {
      expect((await flink.take('delete', `DELETE /jars/${NO_JAR}`)).status).toBe(400);
      expect((await flink.take('run', `POST /jars/${NO_JAR}/run`, { jobId: newId() })).status).toBe(500);
    },
  },
  {
    name: 'runs a jar once under one job id: again is refused while it runs and when it has ended',
    holds: async (flink) => {
      const jarId = await flink.uploadedJar();
      const body = flink.runBody();
      const run = `POST /jars/${jarId}/run`;
      expect(await flink.take('accepted', run, body)).toMatchObject({ status: 200, body: { jobid: body.jobId } });
      await flink.waitUntilRunning(body.jobId);
      const again = await flink.take('while it runs', run, body);
      expect(again.status).toBe(400);
      expect(textOf(again)).toMatch(DUPLICATE);
      expect(await flink.stateOf(body.jobId)).toBe('RUNNING');
      await flink.ask(`PATCH /jobs/${body.jobId}?mode=cancel`);
      await flink.waitForState(body.jobId, 'CANCELED');
      const late = await flink.take('when it has ended', run, body);
      expect(late.status).toBe(400);
      expect(textOf(late)).toMatch(DUPLICATE);
    },
  },
  {
    name: 'runs a jar for the client, which reads a refusal by its cause',
    holds: async (flink) => {
      const jarId = await flink.uploadedJar();
      const { jobId, programArgsList } = flink.runBody();
      const start = {
        jobId,
        entryClass: 'stateward.jobs.StatefulCounter',
        programArguments: programArgsList as string[],
        parallelism: 2,
        flinkConfiguration: {},
      };
      expect(await flink.client.runJar(jarId, start)).toMatchObject({ outcome: 'ACCEPTED', jobId });
      const again = await flink.client.runJar(jarId, start);
      expect(again).toMatchObject({ outcome: 'REFUSED', status: 400 });
      const classes = again.outcome === 'REFUSED' ? again.cause.classes : [];
      expect(classes.at(-1)).toMatch(DUPLICATE);
    },
  },
  {
    name: 'plans a jar without running its job: chains by their first operator, or each operator where chaining is off',
    holds: async (flink) => {
      const jarId = await flink.uploadedJar();
      const plan = `POST /jars/${jarId}/plan`;
      const body = { parallelism: 2, programArgsList: ['--name', 'orders'] };
      const chained = await flink.take('chained', plan, body);
      expect(idsIn(chained)).toEqual(['counter', 'source'].map(operatorIdOf));
      const flinkConfiguration = { 'pipeline.operator-chaining.enabled': 'false' };
      const apart = await flink.take('apart', plan, { ...body, flinkConfiguration });
      expect(idsIn(apart)).toEqual(['sink', 'mapper', 'counter', 'source'].map(operatorIdOf));

      const asked = { entryClass: 'stateward.jobs.StatefulCounter', parallelism: 3, flinkConfiguration: {} };
      const planned = await flink.client.planJar(jarId, { ...asked, programArguments: ['--counter-uid', 'other'] });
      expect(planned.outcome === 'ACCEPTED' && planned.operators).toEqual([
        { id: operatorIdOf('source'), name: expect.stringContaining('Source: '), parallelism: 3, inputs: [] },
        { id: operatorIdOf('other'), name: 'counter', parallelism: 3, inputs: [operatorIdOf('source')] },
        { id: operatorIdOf('mapper'), name: 'mapper', parallelism: 3, inputs: [operatorIdOf('other')] },
        { id: operatorIdOf('sink'), name: 'sink: Writer', parallelism: 3, inputs: [operatorIdOf('mapper')] },
      ]);
      expect(await flink.client.jobs()).not.toContainEqual(expect.objectContaining({ name: 'orders', endTime: null }));
    },
  },
  {
    name: 'makes no plan of a program that throws or makes no job, of a file that is no jar, and of a jar that it has not',
    holds: async (flink) => {
      const jarId = await flink.uploadedJar();
      const { body: uploaded } = await flink.upload('text.jar', Buffer.from('no zip'));
      const noZip = basename((uploaded as { filename: string }).filename);
      for (const [name, jar, programArgsList, text] of [
        ['throws', jarId, ['--main-throws'], /The main method caused an error: .*/],
        ['no job', jarId, ['--no-job'], /the program aborted pre-maturely/],
        ['no zip', noZip, [], /Error while opening jar file/],
        ['no jar', NO_JAR, [], /does not exist/],
      ] as const) {
        const refused = await flink.take(name, `POST /jars/${jar}/plan`, { programArgsList });
        expect([name, refused.status]).toEqual([name, 500]);
        expect(textOf(refused)).toMatch(text);
      }
    },
  },
  {
    name: 'refuses a run of a class that the jar has not, and its job id stays free',
    holds: async (flink) => {
      const jarId = await flink.uploadedJar();
      const body = flink.runBody();
      const refused = await flink.take('no such class', `POST /jars/${jarId}/run`, {
        ...body,
        entryClass: 'no.such.Class',
      });
      expect(refused.status).toBe(500);
      expect(textOf(refused)).toContain("entry point class 'no.such.Class' was not found in the jar file");
      expect(await flink.client.job(body.jobId)).toBeNull();
      expect((await flink.ask(`POST /jars/${jarId}/run`, body)).status).toBe(200);
    },
  },
  {
    name: 'refuses a run whose program throws or makes no job',
    holds: async (flink) => {
      const jarId = await flink.uploadedJar();
      for (const [flag, text] of [
        ['--main-throws', /ProgramInvocationException: The main method caused an error: .*IllegalStateException/s],
        ['--no-job', /No jobs included in application\./],
      ] as const) {
        const body = { ...flink.runBody(), programArgsList: [flag] };
        const refused = await flink.take(flag, `POST /jars/${jarId}/run`, body);
        expect([flag, refused.status]).toEqual([flag, 400]);
        expect(textOf(refused)).toMatch(text);
        expect(await flink.client.job(body.jobId)).toBeNull();
      }
    },
  },
  {
    name: 'refuses a run whose body it cannot read',
    holds: async (flink) => {
      const jarId = await flink.uploadedJar();
      const bodies: Record<string, object | string> = {
        'no JSON': '{',
        'claim mode in lower case': { claimMode: 'no_claim' },
        'short job id': { jobId: 'short' },
        'arguments that are no list': { programArgsList: 'one' },
        'parallelism that is no number': { parallelism: 'many' },
        'configuration that is none': { flinkConfiguration: 'none' },
      };
      for (const [name, body] of Object.entries(bodies)) {
        const refused = await flink.take(name, `POST /jars/${jarId}/run`, body);
        expect([name, refused.status]).toEqual([name, 400]);
        expect(textOf(refused)).toContain('Request did not match expected format JarRunRequestBody.');
      }
    },
  },
];
