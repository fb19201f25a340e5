import { registryContract } from '../contract-suite/registry-contract.ts';
import { memoryWorld } from '../testing/registry-world.ts';

registryContract('memory', memoryWorld);
