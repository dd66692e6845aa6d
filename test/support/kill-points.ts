import pg from 'pg';
import { createSavepoint } from './scenario.js';
import type { Stateward } from './stateward.js';
import type { Held, TcpProxy } from './tcp-proxy.js';
import { waitFor } from './wait-for.js';

/** A savepoint with which a worker in a process of its own is at a certain point. */
export interface Reached {
  id: string;
  /** When the worker is dead: lets go of what held it there. */
  letGo(): Promise<unknown>;
}

/** Makes a savepoint of a running deployment, whose cluster is reached through the proxy, and brings the worker to the point with it. */
type Reach = (
  stateward: Stateward,
  proxy: TcpProxy,
  deployment: { deploymentId: string; flinkJobId: string },
) => Promise<Reached>;

/** Where a worker can be killed in the sending of a savepoint. A call that is held is given up after 5 s. */
export const killPoints = {
  'between the note that it is sent and the call': async (stateward, proxy, deployment) => {
    const { id, held } = await caught(stateward, proxy.holdRequest, deployment);
    return { id, letGo: () => held.gone };
  },

  'after Flink took the call and before its reply': async (stateward, proxy, deployment) => {
    const { id, held } = await caught(stateward, proxy.holdReply, deployment);
    return { id, letGo: () => held.gone };
  },

  'between the reply and the commit': async (stateward, proxy, deployment) => {
    const { id, held } = await caught(stateward, proxy.holdReply, deployment);
    const locker = new pg.Client({ connectionString: stateward.databaseUrl });
    const letGo = () => locker.end(); // which rolls back
    await locker.connect();
    try {
      await locker.query('begin');
      await locker.query('select from savepoint where id = $1 for update', [id]);
      held.release();
      await waitFor(
        () =>
          stateward.services.database.row(
            `select 1 from pg_stat_activity where datname = current_database() and application_name = 'stateward worker'
               and wait_event_type = 'Lock' and query like 'update savepoint%'`,
          ),
        { what: 'the worker to wait with its write' },
      );
    } catch (error) {
      await letGo();
      throw error;
    }
    return { id, letGo };
  },
} satisfies Record<string, Reach>;

export type KillPoint = keyof typeof killPoints;

/** A savepoint whose call, or the reply to it, does not arrive. */
export async function caught(
  stateward: Stateward,
  hold: (head: RegExp) => Promise<Held>,
  { deploymentId, flinkJobId }: { deploymentId: string; flinkJobId: string },
): Promise<{ id: string; held: Held }> {
  const holding = hold(new RegExp(`^POST /jobs/${flinkJobId}/savepoints `));
  const { id } = await createSavepoint(stateward, deploymentId);
  return { id: id as string, held: await holding };
}
