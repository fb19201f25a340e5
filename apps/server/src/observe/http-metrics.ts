import { Counter, Histogram, type Registry } from 'prom-client';

export interface HttpMetrics {
  /** `route` is the pattern, never the path: a caller cannot grow the label set. */
  observe(method: string, route: string, status: number, seconds: number): void;
}

export function createHttpMetrics(registry: Registry): HttpMetrics {
  const durations = new Histogram({
    name: 'fastim_http_request_duration_seconds',
    help: 'Time from the request to the end of the answer, by route.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
    registers: [registry],
  });
  const refused = new Counter({
    name: 'fastim_http_refused_total',
    help: 'Requests answered with an error of the caller (4xx), by status.',
    labelNames: ['status'] as const,
    registers: [registry],
  });
  return {
    observe(method, route, status, seconds) {
      durations.observe({ method, route, status: String(status) }, seconds);
      if (status >= 400 && status < 500) refused.inc({ status: String(status) });
    },
  };
}
