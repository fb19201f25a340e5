import { describe } from 'vitest';
import { redisServerBinary } from '../testing/redis-server.ts';
import { registryContract } from '../testing/registry-contract.ts';
import { redisWorld } from '../testing/registry-world.ts';

describe.skipIf(!redisServerBinary)('with a redis-server of its own', () => {
  registryContract('Redis', redisWorld);
});
