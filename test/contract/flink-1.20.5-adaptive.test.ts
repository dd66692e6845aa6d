import { describeAdaptiveContract } from './describe-contract.js';

await describeAdaptiveContract('1.20.5');
