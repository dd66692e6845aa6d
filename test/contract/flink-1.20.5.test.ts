import { describeContract } from './describe-contract.js';

await describeContract('1.20.5');
