import type { Clock } from '@fastim/core';
import type { Reservations } from '../contract.ts';
import type { Pulse } from './pulse.ts';
import type { RegistryBackend } from './registry-backend.ts';
import type { SharedDirectory } from './shared-directory.ts';

/** More are not counted one by one: the count is high enough by then. */
const MAX_OWN = 50_000;

interface Own {
  readonly gateId: string;
  readonly untilMs: number;
}

/** Counts over all LSBs as of the last look, and what this process added since. */
export class SharedReservations implements Reservations {
  readonly #backend: RegistryBackend;
  readonly #pulse: Pulse;
  readonly #clock: Clock;
  readonly #directory: SharedDirectory;
  readonly #expiryMs: number;
  readonly #startMs: number;
  /** In the order in which they end. */
  #own: Own[] = [];
  readonly #ownCounts = new Map<string, number>();
  #shared = new Map<string, number>();
  /** Added before the registry was asked, and since: not in `shared`. */
  #during = new Map<string, number>();
  #since = new Map<string, number>();
  #reading = false;
  #used = false;

  constructor(options: {
    backend: RegistryBackend;
    pulse: Pulse;
    clock: Clock;
    directory: SharedDirectory;
    expiryMs: number;
  }) {
    this.#backend = options.backend;
    this.#pulse = options.pulse;
    this.#clock = options.clock;
    this.#directory = options.directory;
    this.#expiryMs = options.expiryMs;
    this.#startMs = options.clock.now();
    options.pulse.listen({ looked: () => this.#read() });
  }

  add(gateId: string, userId: bigint): void {
    this.#used = true;
    this.#sweep();
    if (this.#own.length < MAX_OWN) {
      this.#own.push({ gateId, untilMs: this.#clock.now() - this.#startMs + this.#expiryMs });
      raise(this.#ownCounts, gateId, 1);
    }
    raise(this.#since, gateId, 1);
    if (!this.#pulse.reachable) return;
    // Lost: this process counts it all the same, until the next look.
    this.#backend.reserve(gateId, String(userId), this.#expiryMs).catch(() => undefined);
  }

  arrived(gateId: string): void {
    const index = this.#own.findIndex((each) => each.gateId === gateId);
    if (index >= 0) this.#own.splice(index, 1);
    if (index >= 0) raise(this.#ownCounts, gateId, -1);
    for (const counts of [this.#since, this.#during, this.#shared]) {
      if (!counts.has(gateId)) continue;
      raise(counts, gateId, -1);
      break;
    }
    if (!this.#pulse.reachable) return;
    // Lost: it expires.
    this.#backend.arrived(gateId).catch(() => undefined);
  }

  count(gateId: string): number {
    this.#used = true;
    this.#sweep();
    if (!this.#pulse.reachable) return this.#ownCounts.get(gateId) ?? 0;
    return (this.#shared.get(gateId) ?? 0) + (this.#during.get(gateId) ?? 0) + (this.#since.get(gateId) ?? 0);
  }

  #sweep(): void {
    const now = this.#clock.now() - this.#startMs;
    let over = 0;
    while (over < this.#own.length && this.#own[over]!.untilMs <= now) {
      raise(this.#ownCounts, this.#own[over]!.gateId, -1);
      over += 1;
    }
    if (over > 0) this.#own = this.#own.slice(over);
  }

  /** Only where somebody counts. */
  #read(): void {
    if (!this.#used || this.#reading) return;
    const gateIds = this.#directory.nodes().flatMap((node) => (node.role === 'gate' ? [node.nodeId] : []));
    this.#reading = true;
    // What was sent before the question is in its answer; until it comes, it is counted here.
    this.#during = this.#since;
    this.#since = new Map();
    this.#backend
      .reservations(gateIds)
      .then(
        (counts) => {
          this.#shared = new Map(gateIds.map((gateId, index) => [gateId, counts[index] ?? 0]));
        },
        () => {
          for (const [gateId, count] of this.#during) raise(this.#since, gateId, count);
        },
      )
      .finally(() => {
        this.#during = new Map();
        this.#reading = false;
      });
  }
}

function raise(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
