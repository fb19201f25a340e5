import type { ClusterRegistry } from '../contract.ts';
import { openRegistry, type RegistryOptions } from '../shared/open-registry.ts';
import { RedisBackend } from './redis-backend.ts';
import { RedisLink } from './redis-link.ts';

export interface RedisRegistryOptions extends RegistryOptions {
  /** redis:// or rediss:// */
  readonly url: string;
  /** In front of every key, so that several clusters can share one Redis. */
  readonly prefix: string;
}

/**
 * The registry of a cluster. Opening does not fail and does not wait when Redis is away: what needs it rejects
 * RegistryUnavailable until it is there, and the log says so.
 */
export async function openRedisRegistry(options: RedisRegistryOptions): Promise<ClusterRegistry> {
  const { url, clock, random, logger } = options;
  const prefix = `{${options.prefix}}:`;
  return openRegistry(options, (listener) => {
    const link = new RedisLink({ url, prefix, clock, random, logger, listener });
    link.start();
    return new RedisBackend({ link, random, prefix });
  });
}
