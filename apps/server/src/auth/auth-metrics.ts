import { Counter, Gauge, type Registry } from 'prom-client';

export type LoginResult = 'succeeded' | 'failed' | 'throttled' | 'undecided';

/** What an operator watches: a flood of failures is an attack, a full queue is why log-ins are slow. */
export class AuthMetrics {
  readonly #logins: Counter<'result'>;
  readonly #registrations: Counter;
  readonly #reused: Counter;

  constructor(registry: Registry, hashing: () => { running: number; waiting: number }) {
    this.#logins = new Counter({
      name: 'fastim_auth_logins_total',
      help: 'Log-ins by password, by result; undecided: overload or storage.',
      labelNames: ['result'] as const,
      registers: [registry],
    });
    this.#registrations = new Counter({
      name: 'fastim_auth_registrations_total',
      help: 'Accounts made.',
      registers: [registry],
    });
    this.#reused = new Counter({
      name: 'fastim_auth_refresh_tokens_reused_total',
      help: 'Spent refresh tokens that came back: each ended a session.',
      registers: [registry],
    });
    new Gauge({
      name: 'fastim_auth_password_hashes',
      help: 'Password hashes running and waiting.',
      labelNames: ['state'] as const,
      registers: [registry],
      collect() {
        const { running, waiting } = hashing();
        this.set({ state: 'running' }, running);
        this.set({ state: 'waiting' }, waiting);
      },
    });
  }

  login(result: LoginResult): void {
    this.#logins.inc({ result });
  }

  registered(): void {
    this.#registrations.inc();
  }

  refreshTokenReused(): void {
    this.#reused.inc();
  }
}
