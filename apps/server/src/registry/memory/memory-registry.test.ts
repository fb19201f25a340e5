import { registryContract } from '../testing/registry-contract.ts';
import { memoryWorld } from '../testing/registry-world.ts';

registryContract('memory', memoryWorld);
