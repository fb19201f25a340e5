import type { ProxiedCluster } from '../cluster/proxied-cluster.ts';
import { redisCommand } from '../cluster/redis-command.ts';
import type { Fault, FaultPlan } from './fault-plan.ts';

const START_TRIES = 3;

/** What happened with a fault, for the history. */
export type FaultNote = { readonly at: number; readonly what: 'begin' | 'end' | 'skipped'; readonly fault: Fault };

/**
 * Carries out the plan. At one target there is one fault at a time: another one for it is left out. When all nodes of a
 * role are down already, the next of it is left out too: a cluster without a gate proves nothing about the others.
 */
export class FaultRunner {
  readonly #cluster: ProxiedCluster;
  readonly #note: (note: FaultNote) => void;
  readonly #busy = new Set<string>();
  readonly #under: Set<Promise<void>> = new Set();
  readonly #hurry = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  /** A member that did not come back ends the run. */
  readonly #failed: (error: Error) => void;
  readonly byKind = new Map<string, number>();
  faults = 0;

  constructor(cluster: ProxiedCluster, note: (note: FaultNote) => void, failed: (error: Error) => void) {
    this.#cluster = cluster;
    this.#note = note;
    this.#failed = failed;
  }

  start(plan: FaultPlan): void {
    const { afterMs, fault } = plan.next();
    this.#timer = setTimeout(() => {
      this.#begin(fault);
      this.start(plan);
    }, afterMs);
  }

  /** No further ones; those under way end early. Resolves when everything runs and every line is whole. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#hurry.abort();
    await Promise.all(this.#under);
  }

  #begin(fault: Fault): void {
    if (this.#busy.has(fault.target) || this.#leavesNone(fault)) {
      this.#note({ at: Date.now(), what: 'skipped', fault });
      return;
    }
    this.#busy.add(fault.target);
    this.faults += 1;
    this.byKind.set(fault.kind, (this.byKind.get(fault.kind) ?? 0) + 1);
    this.#note({ at: Date.now(), what: 'begin', fault });
    const run = this.#run(fault)
      .catch((error: unknown) =>
        this.#failed(new Error(`${fault.kind} of ${fault.target}: ${error}`, { cause: error })),
      )
      .finally(() => {
        this.#busy.delete(fault.target);
        this.#under.delete(run);
        this.#note({ at: Date.now(), what: 'end', fault });
      });
    this.#under.add(run);
  }

  #leavesNone({ does, target }: Fault): boolean {
    if (does === 'flush' || does === 'poison' || does === 'reset') return false;
    const { cluster } = this.#cluster;
    const kind = cluster.member(target).kind;
    if (kind === 'postgres' || kind === 'redis') return false;
    const others = cluster.members().filter((member) => member.kind === kind && member.name !== target);
    return others.every(({ name, pid }) => pid === undefined || this.#busy.has(name));
  }

  async #run(fault: Fault): Promise<void> {
    const { cluster } = this.#cluster;
    switch (fault.does) {
      case 'kill':
        await cluster.signal(fault.target, 'SIGKILL');
        await this.#lasts(fault);
        await this.#startAgain(fault.target);
        break;
      case 'terminate':
        // "Fast" for PostgreSQL; roles drain.
        await cluster.signal(fault.target, fault.target === 'postgres' ? 'SIGINT' : 'SIGTERM');
        await this.#lasts(fault);
        await this.#startAgain(fault.target);
        break;
      case 'pause':
        await cluster.signal(fault.target, 'SIGSTOP');
        try {
          await this.#lasts(fault);
        } finally {
          await cluster.signal(fault.target, 'SIGCONT');
        }
        break;
      case 'flush':
        await redisCommand(cluster.member('redis').addresses.url!, 'FLUSHALL');
        break;
      case 'poison': {
        const proxy = this.#cluster.proxy(fault.target);
        proxy.poison(fault.toxic, fault.share);
        await this.#lasts(fault);
        proxy.heal();
        break;
      }
      case 'reset':
        this.#cluster.proxy(fault.target).reset(fault.share);
        break;
    }
  }

  /** Others may be down at the same time, so a start may fail and is tried again. */
  async #startAgain(target: string): Promise<void> {
    for (let left = START_TRIES; ; left -= 1) {
      try {
        await this.#cluster.cluster.start(target);
        return;
      } catch (error) {
        if (left <= 1) throw error;
        await wait(1_000, undefined);
      }
    }
  }

  #lasts({ lastsMs }: Fault): Promise<void> {
    return wait(lastsMs, this.#hurry.signal);
  }
}

function wait(ms: number, hurry: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      hurry?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, hurry?.aborted ? 0 : ms);
    hurry?.addEventListener('abort', done);
  });
}
