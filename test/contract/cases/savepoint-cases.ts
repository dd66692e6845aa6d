import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { ContractCase } from '../contract-case.js';
import { newId } from '../contract-session.js';
import { folderOf, isCompleted, locationIn, triggerSavepoint, type Statistics } from './operations.js';

/** Savepoints that succeed. */
export const SAVEPOINT_CASES: ContractCase[] = [
  {
    name: 'makes one savepoint for one trigger id, however often it is sent, and puts it below the directory asked for',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const triggerId = newId();
      const directory = join(await flink.target.newFolder(), 'not', 'there', 'yet');
      const body = { triggerId, 'target-directory': `file://${directory}`, formatType: 'CANONICAL' };
      const accepted = await flink.take('accepted', `POST /jobs/${jobId}/savepoints`, body);
      expect(accepted).toMatchObject({ status: 202, body: { 'request-id': triggerId } });
      const path = `GET /jobs/${jobId}/savepoints/${triggerId}`;
      const again = await flink.take('accepted again', `POST /jobs/${jobId}/savepoints`, body);
      expect(again).toMatchObject({ status: 202, body: { 'request-id': triggerId } });
      const location = locationIn(await flink.takeWhen('completed', path, isCompleted));
      const late = await flink.take('accepted when it has ended', `POST /jobs/${jobId}/savepoints`, {
        ...body,
        'target-directory': `file://${await flink.target.newFolder()}`,
      });
      expect(late).toMatchObject({ status: 202, body: { 'request-id': triggerId } });
      expect(locationIn(await flink.take('completed as before', path))).toBe(location);
      expect(await readdir(directory)).toHaveLength(1);
      expect(location).toMatch(new RegExp(`^file:${directory}/savepoint-${jobId.slice(0, 6)}-[0-9a-f]{12}$`));
      expect(existsSync(join(folderOf(location), '_metadata'))).toBe(true);
      expect(await flink.client.savepointOperation(jobId, triggerId)).toEqual({ status: 'COMPLETED', location });
      expect(await flink.stateOf(jobId)).toBe('RUNNING');
    },
  },
  {
    name: 'makes canonical and native savepoints, and says in its statistics which',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      for (const format of ['CANONICAL', 'NATIVE'] as const) {
        const [triggerId, directory] = [newId(), await flink.target.newFolder()];
        const reply = await flink.client.triggerSavepoint(jobId, {
          triggerId,
          targetDirectory: `file://${directory}`,
          format,
        });
        expect(reply).toEqual({ outcome: 'ACCEPTED', requestId: triggerId });
        const path = `GET /jobs/${jobId}/savepoints/${triggerId}`;
        const location = locationIn(await flink.takeWhen(format, path, isCompleted));
        const listed = await flink.takeWhen(
          `statistics of a ${format} savepoint`,
          `GET /jobs/${jobId}/checkpoints`,
          ({ latest }: Statistics) => latest.savepoint?.external_path === location,
        );
        expect((listed.body as Statistics).latest.savepoint).toMatchObject({ savepointFormat: format });
        const { id } = (listed.body as { latest: { savepoint: { id: number } } }).latest.savepoint;
        await flink.take(`details of a ${format} savepoint`, `GET /jobs/${jobId}/checkpoints/details/${id}`);
      }
    },
  },
  {
    name: 'makes two savepoints of a job at once',
    holds: async (flink) => {
      const jobId = await flink.startJob({ slowSnapshotMs: 200 });
      const first = await triggerSavepoint(flink, jobId);
      const second = await triggerSavepoint(flink, jobId);
      expect((await flink.take('first under way', first.path)).body).toMatchObject({ status: { id: 'IN_PROGRESS' } });
      const locations = [
        locationIn(await flink.takeWhen('first', first.path, isCompleted)),
        locationIn(await flink.takeWhen('second', second.path, isCompleted)),
      ];
      expect(locations[0]).toContain(first.directory);
      expect(locations[1]).toContain(second.directory);
    },
  },
  {
    name: 'puts a savepoint without a directory into its default one, and gives it a trigger id',
    holds: async (flink) => {
      const jobId = await flink.startJob();
      const accepted = await flink.take('accepted', `POST /jobs/${jobId}/savepoints`, {});
      const requestId = (accepted.body as { 'request-id': string })['request-id'];
      expect(requestId).toMatch(/^[0-9a-f]{32}$/);
      const path = `GET /jobs/${jobId}/savepoints/${requestId}`;
      const location = locationIn(await flink.takeWhen('completed', path, isCompleted));
      const { savepointRoot } = await flink.client.clusterFacts();
      expect(location).toContain(`${savepointRoot?.replace('file://', 'file:') ?? '?'}/savepoint-`);
    },
  },
];
