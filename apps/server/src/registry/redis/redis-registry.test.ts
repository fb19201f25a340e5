import { describe } from 'vitest';
import { registryContract } from '../contract-suite/registry-contract.ts';
import { redisServerBinary } from '../testing/redis-server.ts';
import { redisWorld } from '../testing/registry-world.ts';

describe.skipIf(!redisServerBinary)('with a redis-server of its own', () => {
  registryContract('Redis', redisWorld);
});
