import { describeContract } from './describe-contract.js';

await describeContract('2.3.0');
