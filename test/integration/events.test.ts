import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventType } from '../../src/event/event-types.js';
import { recordEvent, recordInOrder } from '../../src/event/record-event.js';
import { insertCluster, insertDeployment, type OpenDatabase, openTestDatabase } from '../support/rows.js';

let opened: OpenDatabase;
let clusterId: string;
beforeAll(async () => {
  opened = await openTestDatabase();
  clusterId = await insertCluster(opened.database);
});
afterAll(() => opened.close());

const record = (deploymentId: string | null, message: string, fails = false) =>
  opened.database.transaction(async (tx) => {
    await recordEvent(tx, { type: EventType.JOB_STARTED, clusterId, deploymentId, message });
    if (fails) throw new Error('rolled back');
  });

async function numbersOf(deploymentId: string): Promise<number[]> {
  const rows = await opened.database.rows<{ number: string }>(
    'select number from event where deployment_id = $1 order by tx, id',
    [deploymentId],
  );
  return rows.map(({ number }) => Number(number));
}

describe('events of a deployment', () => {
  it('are numbered from 1 without gaps by eight writers at once, some of which are rolled back', async () => {
    const deployments = [
      await insertDeployment(opened.database, clusterId),
      await insertDeployment(opened.database, clusterId),
    ];
    const writer = async (name: number): Promise<number> => {
      let failed = 0;
      for (let index = 0; index < 30; index += 1) {
        const fails = (name + index) % 5 === 0;
        const writing = record(deployments[(name + index) % 2] ?? null, `${name}/${index}`, fails);
        if (!fails) await writing;
        else {
          await expect(writing).rejects.toThrow('rolled back');
          failed += 1;
        }
      }
      return failed;
    };
    const failed = (await Promise.all(Array.from({ length: 8 }, (_, name) => writer(name)))).reduce((a, b) => a + b, 0);
    const numbers = await Promise.all(deployments.map(numbersOf));
    for (const list of numbers)
      expect([...list].sort((a, b) => a - b)).toEqual(Array.from(list, (_, index) => index + 1));
    expect(numbers.flat()).toHaveLength(8 * 30 - failed);
  });

  it('appear in the order of their numbers: who has seen one has seen all before it', async () => {
    const deploymentId = await insertDeployment(opened.database, clusterId);
    let writing = true;
    const writers = Promise.all(
      Array.from({ length: 8 }, async (_, name) => {
        for (let index = 0; index < 25; index += 1) await record(deploymentId, `${name}/${index}`);
      }),
    ).finally(() => (writing = false));
    let looks = 0;
    while (writing) {
      const row = await opened.database.row<{ count: string; last: string | null }>(
        'select count(*), max(number) as last from event where deployment_id = $1',
        [deploymentId],
      );
      expect(row?.count).toBe(row?.last ?? '0');
      looks += 1;
    }
    await writers;
    expect(looks).toBeGreaterThan(0);
    expect(await numbersOf(deploymentId)).toHaveLength(200);
  });

  it('of one transaction are numbered in the order given, deployment by deployment', async () => {
    const deployments = [
      await insertDeployment(opened.database, clusterId),
      await insertDeployment(opened.database, clusterId),
    ];
    const events = ['a', 'b', 'c', 'd'].map((message, index) => ({
      type: EventType.JOB_STARTED,
      clusterId,
      deploymentId: deployments[index % 2] ?? null,
      message,
    }));
    await opened.database.transaction((tx) => recordInOrder(tx, events));
    const rows = await opened.database.rows(
      'select message, number from event where deployment_id = any($1) order by message',
      [deployments],
    );
    expect(rows).toEqual([
      { message: 'a', number: '1' },
      { message: 'b', number: '1' },
      { message: 'c', number: '2' },
      { message: 'd', number: '2' },
    ]);
  });

  it('have no number when they are about no deployment', async () => {
    await record(null, 'about the cluster');
    const row = await opened.database.row(
      `select number, deployment_id from event where message = 'about the cluster'`,
    );
    expect(row).toEqual({ number: null, deployment_id: null });
  });
});
