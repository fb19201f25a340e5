import type { Clock } from '@fastim/core';
import { RegistryUnavailable } from '../contract.ts';
import {
  type BackendListener,
  channels,
  type Look,
  MAX_INTRUDERS,
  NUMBERS,
  type NumberOrder,
  type OwnFields,
  type RegistryBackend,
  type RouteFields,
  type RouteNews,
  type RouteWrite,
} from '../shared/registry-backend.ts';

type News = [userId: string, field: string, value: string | null, alone: boolean];

interface Until<T> {
  readonly value: T;
  readonly untilMs: number;
}

/**
 * What Redis is for processes, for nodes of one process: each connects with a backend of its own. A single process uses
 * it for its admin interface, tests for whole clusters on one clock. It can be flushed, and taken away from all or one.
 */
export class MemoryRegistry {
  readonly #clock: Clock;
  readonly #members = new Set<MemoryBackend>();
  #eras = 0;
  #era: { name: string; sinceMs: number } | undefined;
  readonly nodes = new Map<string, Until<string>>();
  readonly users = new Map<string, { fields: Map<string, string>; untilMs: number }>();
  readonly numbers = new Map<number, Until<string>>();
  readonly reserved = new Map<string, Map<string, number>>();
  intruders: string[] = [];
  bucketFullAt = 0;
  /** Calls so far, for tests. */
  calls = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  connect(listener: BackendListener): RegistryBackend {
    const backend = new MemoryBackend(this, listener, (gone) => this.#members.delete(gone));
    this.#members.add(backend);
    return backend;
  }

  now(): number {
    return this.#clock.now();
  }

  get era(): { name: string; sinceMs: number } {
    if (!this.#era) {
      this.#eras += 1;
      this.#era = { name: `era-${this.#eras}`, sinceMs: this.now() };
    }
    return this.#era;
  }

  /** Everything in it is gone, and nobody is told. */
  flush(): void {
    this.#era = undefined;
    for (const map of [this.nodes, this.users, this.numbers, this.reserved]) map.clear();
    this.intruders = [];
    this.bucketFullAt = 0;
  }

  /** For everybody, or for those whose channels say so (a node's own replies channel names it). */
  setReachable(reachable: boolean, nodeId?: string): void {
    for (const member of this.#members) {
      if (nodeId === undefined || member.listensTo(channels.replies(nodeId))) member.setReachable(reachable);
    }
  }

  publish(channel: string, text: string): void {
    for (const member of this.#members) member.deliver(channel, text);
  }

  say(news: RouteNews): void {
    if (news.length > 0) this.publish(channels.routes, JSON.stringify(news));
  }

  fieldsOf(userId: string): Map<string, string> {
    const user = this.users.get(userId);
    if (user && user.untilMs > this.now()) return user.fields;
    this.users.delete(userId);
    return new Map();
  }
}

class MemoryBackend implements RegistryBackend {
  readonly #registry: MemoryRegistry;
  readonly #listener: BackendListener;
  readonly #left: (self: MemoryBackend) => void;
  readonly #channels = new Set<string>();
  #reachable = true;
  #stopped = false;

  constructor(registry: MemoryRegistry, listener: BackendListener, left: (self: MemoryBackend) => void) {
    this.#registry = registry;
    this.#listener = listener;
    this.#left = left;
    queueMicrotask(() => this.#comeUp());
  }

  listensTo(channel: string): boolean {
    return this.#channels.has(channel);
  }

  setReachable(reachable: boolean): void {
    if (reachable === this.#reachable || this.#stopped) return;
    this.#reachable = reachable;
    if (reachable) this.#comeUp();
    else this.#listener.subscriptionLost();
  }

  /** Behind the publisher's call, in order. */
  deliver(channel: string, text: string): void {
    if (!this.#reachable || !this.#channels.has(channel)) return;
    queueMicrotask(() => {
      if (this.#reachable && !this.#stopped) this.#listener.message(channel, text);
    });
  }

  look(): Promise<Look> {
    return this.#call(({ nodes, era, now }) => {
      const alive: string[] = [];
      for (const [nodeId, { value, untilMs }] of nodes) {
        if (untilMs > now) alive.push(value);
        else nodes.delete(nodeId);
      }
      return { era: era.name, nodes: alive };
    });
  }

  report(nodeId: string, record: string, expiryMs: number, news: boolean): Promise<void> {
    return this.#call(({ nodes, now, registry }) => {
      nodes.set(nodeId, { value: record, untilMs: now + expiryMs });
      if (news) registry.publish(channels.nodes, 'news');
    });
  }

  withdraw(nodeId: string): Promise<void> {
    return this.#call(({ nodes }) => void nodes.delete(nodeId));
  }

  addIntruders(texts: readonly string[]): Promise<void> {
    return this.#call(({ registry }) => {
      const rest = registry.intruders.filter((text) => !texts.includes(text));
      registry.intruders = [...texts.toReversed(), ...rest].slice(0, MAX_INTRUDERS);
    });
  }

  intruders(): Promise<readonly string[]> {
    return this.#call(({ registry }) => [...registry.intruders]);
  }

  publish(channel: string, text: string): Promise<void> {
    return this.#call(({ registry }) => registry.publish(channel, text));
  }

  subscribe(channel: string): void {
    if (this.#channels.has(channel)) return;
    this.#channels.add(channel);
    queueMicrotask(() => {
      if (this.#reachable && !this.#stopped) this.#listener.subscribed();
    });
  }

  writeRoutes(writes: readonly RouteWrite[], ttlMs: number): Promise<readonly RouteFields[]> {
    return this.#call(({ registry, now }) => {
      const news: News[] = [];
      for (const { userId, field, value } of writes) {
        const fields = registry.fieldsOf(userId);
        if (value !== null) {
          if (fields.get(field) !== value) {
            fields.set(field, value);
            news.push([userId, field, value, fields.size === 1]);
          }
          registry.users.set(userId, { fields, untilMs: now + ttlMs });
        } else {
          fields.delete(field);
          news.push([userId, field, null, fields.size === 0]);
        }
      }
      registry.say(news);
      return writes.map(({ userId }) => Object.fromEntries(registry.fieldsOf(userId)));
    });
  }

  readRoutes(userIds: readonly string[]): Promise<readonly RouteFields[]> {
    return this.#call(({ registry }) => userIds.map((userId) => Object.fromEntries(registry.fieldsOf(userId))));
  }

  clearRoutes(gone: ReadonlyArray<{ userId: string; field: string; value: string }>): Promise<void> {
    return this.#call(({ registry }) => {
      const news: News[] = [];
      for (const { userId, field, value } of gone) {
        const fields = registry.fieldsOf(userId);
        if (fields.get(field) !== value) continue;
        fields.delete(field);
        news.push([userId, field, null, fields.size === 0]);
      }
      registry.say(news);
    });
  }

  renewRoutes(owner: string, users: readonly OwnFields[], ttlMs: number): Promise<void> {
    return this.#call(({ registry, now }) => {
      const news: News[] = [];
      for (const { userId, fields: own } of users) {
        const fields = registry.fieldsOf(userId);
        for (const [field, value] of Object.entries(own)) {
          if (fields.get(field) === value) continue;
          fields.set(field, value);
          news.push([userId, field, value, fields.size === 1]);
        }
        for (const [field, value] of [...fields]) {
          if (!value.startsWith(owner) || own[field] !== undefined) continue;
          fields.delete(field);
          news.push([userId, field, null, fields.size === 0]);
        }
        registry.users.set(userId, { fields, untilMs: now + ttlMs });
      }
      registry.say(news);
    });
  }

  scanRoutes(): Promise<{ cursor: string; users: (readonly [string, RouteFields])[] }> {
    return this.#call(({ registry }) => ({
      cursor: '0',
      users: [...registry.users.keys()].map(
        (userId) => [userId, Object.fromEntries(registry.fieldsOf(userId))] as const,
      ),
    }));
  }

  takeNumber(holder: string, ttlMs: number, quietMs: number, order: NumberOrder): Promise<number | 'wait' | 'none'> {
    return this.#call(({ registry, now, era }) => {
      if (now - era.sinceMs < quietMs) return 'wait';
      for (let index = 0, number = order.start; index < NUMBERS; index += 1) {
        const held = registry.numbers.get(number);
        if (!held || held.untilMs <= now) {
          registry.numbers.set(number, { value: holder, untilMs: now + ttlMs });
          return number;
        }
        number = (number + order.step) % NUMBERS;
      }
      return 'none';
    });
  }

  renewNumber(number: number, holder: string, ttlMs: number): Promise<boolean> {
    return this.#call(({ registry, now }) => {
      const held = registry.numbers.get(number);
      if (held && held.untilMs > now && held.value !== holder) return false;
      registry.numbers.set(number, { value: holder, untilMs: now + ttlMs });
      return true;
    });
  }

  releaseNumber(number: number, holder: string): Promise<void> {
    return this.#call(({ registry }) => {
      if (registry.numbers.get(number)?.value === holder) registry.numbers.delete(number);
    });
  }

  admit(perSecond: number, burst: number, maxDelayMs: number): Promise<number> {
    return this.#call(({ registry, now }) => {
      const fullAt = Math.max(registry.bucketFullAt, now);
      const wait = Math.max(0, Math.ceil(fullAt - now - ((burst - 1) * 1_000) / perSecond - 0.001));
      if (wait <= maxDelayMs) registry.bucketFullAt = fullAt + 1_000 / perSecond;
      return wait;
    });
  }

  reserve(gateId: string, userId: string, expiryMs: number): Promise<void> {
    return this.#call(({ registry, now }) => {
      const gate = registry.reserved.get(gateId) ?? new Map<string, number>();
      registry.reserved.set(gateId, gate.set(userId, now + expiryMs));
    });
  }

  arrived(gateId: string): Promise<void> {
    return this.#call(({ registry }) => {
      const gate = registry.reserved.get(gateId);
      const [oldest] = [...(gate ?? [])].sort(([, left], [, right]) => left - right);
      if (oldest) gate!.delete(oldest[0]);
    });
  }

  reservations(gateIds: readonly string[]): Promise<readonly number[]> {
    return this.#call(({ registry, now }) =>
      gateIds.map(
        (gateId) => [...(registry.reserved.get(gateId)?.values() ?? [])].filter((until) => until > now).length,
      ),
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#left(this);
  }

  #comeUp(): void {
    if (this.#stopped || !this.#reachable) return;
    this.#listener.connected();
    this.#listener.subscribed();
  }

  /** Answered behind the call, in order. */
  async #call<T>(
    body: (parts: {
      registry: MemoryRegistry;
      nodes: MemoryRegistry['nodes'];
      era: { name: string; sinceMs: number };
      now: number;
    }) => T,
  ): Promise<T> {
    const registry = this.#registry;
    registry.calls += 1;
    if (this.#stopped) throw new RegistryUnavailable('the registry is stopped');
    if (!this.#reachable) throw new RegistryUnavailable('the registry cannot be reached');
    return body({ registry, nodes: registry.nodes, era: registry.era, now: registry.now() });
  }
}
