import { collectDefaultMetrics, type Registry } from 'prom-client';

/** Memory, CPU, open files, garbage collection and event-loop lag of this process. */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}
