import { basename } from 'node:path';
import { readFile } from 'node:fs/promises';
import { expect } from '@jest/globals';
import type { ContractCase } from '../contract-case.js';
import { newId, textOf } from '../contract-session.js';

const NO_JAR = '00000000-0000-0000-0000-000000000000_x.jar';
const DUPLICATE = /Duplicate(Job|Application)SubmissionException/;

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
      const path = `DELETE /jars/${encodeURIComponent(jarId)}`;
      expect(await flink.take('deleted', path)).toMatchObject({ status: 200, body: {} });
      const again = await flink.take('deleted again', path);
      expect(again.status).toBe(400);
      expect(textOf(again)).toContain(`File ${jarId} does not exist in `);
      expect(await flink.client.deleteJar(jarId)).toBe(true);
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
