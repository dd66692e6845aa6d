import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the project, whether this file runs from `demo/` (jest) or from `dist/demo/`. */
export function projectFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && /"name":\s*"stateward"/.test(readFileSync(file, 'utf8'))) return folder;
    const above = dirname(folder);
    if (above === folder) throw new Error(`No package.json of stateward lies above ${fileURLToPath(import.meta.url)}.`);
    folder = above;
  }
}
