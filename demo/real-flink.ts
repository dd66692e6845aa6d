import type { DemoFlink, FlinkChoice } from './demo-flink.js';
import { assembleFlink } from './local-flink/assemble.js';
import { compileFlinkJobs } from './local-flink/flink-jobs.js';
import { findJavaTools } from './local-flink/java-tools.js';
import { startLocalFlink } from './local-flink/local-flink.js';
import { say, title } from './screen.js';

/** A Flink on this machine, which needs a JDK and Maven. */
export async function chooseRealFlink(version: string): Promise<FlinkChoice> {
  const tools = await findJavaTools();
  if ('missing' in tools) {
    return { remedy: `${tools.remedy}\nOr see the same tour with Node alone: npm run demo -- --simulated` };
  }
  return { start: (folder) => start(folder, version) };
}

async function start(folder: string, version: string): Promise<DemoFlink> {
  title(`A real Flink ${version}`);
  const distribution = await assembleFlink(version, { onProgress: say });
  const { StatefulCounter: jar } = await compileFlinkJobs(distribution, { onProgress: say });
  if (!jar) throw new Error('The demo job StatefulCounter was not compiled.');
  const flink = await startLocalFlink({ version, folder, onProgress: say });
  return { url: flink.url, jar, countsFolder: folder, stop: () => flink.stop() };
}
