import { registerEnumType } from 'type-graphql';

export enum SavepointFormat {
  CANONICAL = 'CANONICAL',
  NATIVE = 'NATIVE',
}
registerEnumType(SavepointFormat, {
  name: 'SavepointFormat',
  description: 'How Flink writes the state of a savepoint.',
  valuesConfig: {
    CANONICAL: { description: 'Readable by every state backend; slower to make. Not possible with ForSt.' },
    NATIVE: { description: "The state backend's own format; faster, and bound to that backend." },
  },
});
