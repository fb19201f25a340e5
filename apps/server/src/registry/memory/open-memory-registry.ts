import type { ClusterRegistry } from '../contract.ts';
import { openRegistry, type RegistryOptions } from '../shared/open-registry.ts';
import type { MemoryRegistry } from './memory-registry.ts';

/** A node's hold on a registry in this process's memory: the same as on Redis in all that can be seen. */
export function openMemoryRegistry(registry: MemoryRegistry, options: RegistryOptions): ClusterRegistry {
  return openRegistry(options, (listener) => registry.connect(listener));
}
