// Writes schema.graphql from the built classes: `npm run schema`.
import { writeSchema } from '../dist/src/api/emit-schema.js';

await writeSchema(new URL('./schema.graphql', import.meta.url).href);
