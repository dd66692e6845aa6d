import { get } from 'node:http';

const ANSWER_MS = 2_000;

/** GET of a JSON document of the REST API; null while nothing answers, or not with 200. Keeps no connection open. */
export function getJson(url: string): Promise<unknown> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: ANSWER_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', () => resolve(null));
      response.once('end', () => resolve(response.statusCode === 200 ? parse(Buffer.concat(chunks)) : null));
    });
    request.once('timeout', () => request.destroy(new Error('No answer in time.')));
    request.once('error', () => resolve(null));
  });
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // While it starts, the server may answer with a page.
    return null;
  }
}

/** Slots of each registered TaskManager by its resource id; null while the REST API does not answer. */
export async function registeredSlots(url: string): Promise<Map<string, number> | null> {
  const answer = await getJson(`${url}/taskmanagers`);
  if (typeof answer !== 'object' || answer === null || !('taskmanagers' in answer)) return null;
  const { taskmanagers } = answer;
  if (!Array.isArray(taskmanagers)) return null;
  const entries = taskmanagers as { id: string; slotsNumber: number }[];
  return new Map(entries.map(({ id, slotsNumber }) => [id, slotsNumber]));
}
