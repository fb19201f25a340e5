import { Gauge, type Registry } from 'prom-client';
import type { PasswordHasher } from './password-hasher.ts';

/** How busy the password hashing is: the queue fills long before log-ins are turned away. */
export function collectAuthMetrics(registry: Registry, hasher: PasswordHasher): void {
  new Gauge({
    name: 'fastim_password_hashes',
    help: 'Password hashes running and waiting.',
    labelNames: ['state'] as const,
    registers: [registry],
    collect() {
      this.set({ state: 'running' }, hasher.running);
      this.set({ state: 'waiting' }, hasher.waiting);
    },
  });
}
