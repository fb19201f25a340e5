import { RegistryUnavailable } from '../contract.ts';
import type { OwnFields, RegistryBackend, RouteFields } from './registry-backend.ts';

/** In one call; a registry serves nobody else meanwhile. */
const MOST_AT_ONCE = 200;
/** Removals kept for a registry that is away; those over it end with the time that the user's routes live. */
const MAX_REMOVALS_KEPT = 100_000;

interface Pending {
  readonly userId: string;
  /** Undefined: to be taken away. */
  readonly value: string | undefined;
  readonly waiting: { resolve(): void; reject(error: RegistryUnavailable): void }[];
}

/**
 * Writes this node's own routes, one call after the other, so that the last word on each is the one that stays. What
 * could not be written is kept and written when the registry answers again.
 */
export class RouteWriter {
  readonly #backend: RegistryBackend;
  readonly #owner: string;
  readonly #ttlMs: number;
  readonly #sending: (userIds: readonly string[]) => void;
  readonly #written: (userId: string, fields: RouteFields) => void;
  readonly #reachable: () => boolean;
  readonly #dirty = new Map<string, Pending>();
  #removals = 0;
  #inFlight = new Map<string, Pending>();
  #renewals: (() => readonly OwnFields[])[] = [];
  #running: Promise<void> | undefined;
  #scheduled = false;
  #held = false;

  constructor(options: {
    backend: RegistryBackend;
    /** What this node's values start with. */
    owner: string;
    ttlMs: number;
    reachable: () => boolean;
    sending: (userIds: readonly string[]) => void;
    /** All that the registry has of a user, as of the write that is under way. */
    written: (userId: string, fields: RouteFields) => void;
  }) {
    this.#backend = options.backend;
    this.#owner = options.owner;
    this.#ttlMs = options.ttlMs;
    this.#reachable = options.reachable;
    this.#sending = options.sending;
    this.#written = options.written;
  }

  get waiting(): number {
    return this.#dirty.size;
  }

  put(userId: string, field: string, value: string | undefined): void {
    const before = this.#dirty.get(field);
    if (before) {
      this.#dirty.delete(field);
      if (before.value === undefined) this.#removals -= 1;
    }
    if (value === undefined) {
      for (const waiter of before?.waiting ?? []) waiter.reject(new RegistryUnavailable('the connection is gone'));
      if (this.#removals >= MAX_REMOVALS_KEPT) return;
      this.#removals += 1;
    }
    this.#dirty.set(field, { userId, value, waiting: value === undefined ? [] : (before?.waiting ?? []) });
    this.#flushSoon();
  }

  /** Resolves when what was put last for the field is there; rejects when it could not be written at the next try. */
  settled(field: string): Promise<void> {
    const pending = this.#dirty.get(field) ?? this.#inFlight.get(field);
    if (!pending) return Promise.resolve();
    if (this.#held && !this.#reachable()) {
      return Promise.reject(new RegistryUnavailable('the registry cannot be reached'));
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    pending.waiting.push({ resolve, reject });
    this.#flushSoon();
    return promise;
  }

  /** Compared and set right, and kept alive; `read` is asked when it is about to be sent. */
  renew(read: () => readonly OwnFields[]): void {
    this.#renewals.push(read);
    this.#flushSoon();
  }

  /** The registry answered: what waits is tried again. */
  resume(): void {
    this.#held = false;
    this.#flushSoon();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#scheduled || this.#running) await (this.#running ?? Promise.resolve());
  }

  #flushSoon(): void {
    if (this.#scheduled || this.#running) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#running) return;
      this.#running = this.#flush().finally(() => {
        this.#running = undefined;
        if (this.#needsFlush()) this.#flushSoon();
      });
    });
  }

  /** Something came after the last round had ended. */
  #needsFlush(): boolean {
    if (!this.#held) return this.#dirty.size > 0 || this.#renewals.length > 0;
    for (const { waiting } of this.#dirty.values()) if (waiting.length > 0) return true;
    return false;
  }

  /** Never rejects. */
  async #flush(): Promise<void> {
    while (this.#dirty.size > 0 || this.#renewals.length > 0) {
      if (this.#held && !this.#reachable()) {
        this.#refuseWaiting(new RegistryUnavailable('the registry cannot be reached'));
        return;
      }
      const taken = this.#take();
      try {
        if (taken.size > 0) await this.#write(taken);
        else await this.#renewNext();
      } catch (error) {
        this.#putBack(taken);
        this.#held = true;
        const why =
          error instanceof RegistryUnavailable ? error : new RegistryUnavailable('a route was not written', error);
        for (const { waiting } of taken.values()) for (const waiter of waiting) waiter.reject(why);
        this.#refuseWaiting(why);
        return;
      } finally {
        this.#inFlight = new Map();
      }
    }
  }

  #take(): Map<string, Pending> {
    const taken = new Map<string, Pending>();
    for (const [field, pending] of this.#dirty) {
      taken.set(field, pending);
      this.#dirty.delete(field);
      if (pending.value === undefined) this.#removals -= 1;
      if (taken.size >= MOST_AT_ONCE) break;
    }
    this.#inFlight = taken;
    return taken;
  }

  async #write(taken: ReadonlyMap<string, Pending>): Promise<void> {
    const writes = [...taken].map(([field, { userId, value }]) => ({ userId, field, value: value ?? null }));
    this.#sending(writes.map(({ userId }) => userId));
    const results = await this.#backend.writeRoutes(writes, this.#ttlMs);
    for (let index = 0; index < writes.length; index += 1) {
      const fields = results[index];
      if (fields) this.#written(writes[index]!.userId, fields);
    }
    for (const { waiting } of taken.values()) for (const waiter of waiting) waiter.resolve();
  }

  async #renewNext(): Promise<void> {
    const [read, ...rest] = this.#renewals;
    this.#renewals = rest;
    const users = read!();
    if (users.length > 0) await this.#backend.renewRoutes(this.#owner, users, this.#ttlMs);
  }

  #putBack(taken: ReadonlyMap<string, Pending>): void {
    for (const [field, { userId, value }] of taken) {
      if (this.#dirty.has(field)) continue;
      if (value === undefined) {
        if (this.#removals >= MAX_REMOVALS_KEPT) continue;
        this.#removals += 1;
      }
      this.#dirty.set(field, { userId, value, waiting: [] });
    }
  }

  #refuseWaiting(why: RegistryUnavailable): void {
    for (const { waiting } of this.#dirty.values()) for (const waiter of waiting.splice(0)) waiter.reject(why);
  }
}
