import { describeAdaptiveContract } from './describe-contract.js';

await describeAdaptiveContract('2.3.0');
