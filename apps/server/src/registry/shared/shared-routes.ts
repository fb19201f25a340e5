import type { Clock } from '@fastim/core';
import type { Logger } from 'pino';
import type { ConnectionRef } from '../../cluster/contract.ts';
import { MemoryRouteTable, type PresenceListener, type Route } from '../../routing/route-table.ts';
import { type ClusterRoutes, type KnownRoute, RegistryUnavailable } from '../contract.ts';
import type { Pulse } from './pulse.ts';
import { channels, type OwnFields, type RegistryBackend, type RouteFields } from './registry-backend.ts';
import { fieldOf, ownerPrefix, type ReadRoute, readRoute, readRouteNews, routeText } from './route-text.ts';
import { RouteWriter } from './route-writer.ts';
import type { SharedDirectory } from './shared-directory.ts';

/** A user's routes live in the registry for so long after the last renewal by one of their owners. */
const ROUTE_TTL_MS = 180_000;
const RENEW_MS = 60_000;
/** After a loss every node has written its routes again by then. */
const SETTLE_MS = 15_000;
const RENEWED_AT_ONCE = 200;
const READ_AT_ONCE = 500;
const MAX_CACHED_USERS = 100_000;
/** Users for whom a page of the admin list goes through the registry. */
const MAX_SCANNED = 200_000;
const MAX_CLEARED_AT_ONCE = 500;
const MAX_TO_CLEAR = 10_000;

/** What is known of a user whose routes somebody asked for, or who is connected here. */
interface Entry {
  /** The routes of other nodes are known. */
  known: boolean;
  /** Changes may have been missed: asked for again before it is used, if the registry can be reached. */
  stale: boolean;
  /** Of the other nodes. The same Route object for as long as the connection lives. */
  readonly remote: Map<string, ReadRoute & { readonly value: string }>;
  /** What listeners were told. */
  online: boolean;
  /** Own and remote ones, made when somebody asks; of one generation of the directory. */
  view: readonly Route[] | undefined;
  viewOf: number;
}

type Heard = readonly [field: string, value: string | null];

/** A question to the registry under way. */
interface Asked {
  /** What was published meanwhile: it may be newer than the answer. */
  readonly heard: Heard[];
  /** Something may have been published that was not heard. */
  missed: boolean;
}

interface Reading extends Asked {
  readonly promise: Promise<void>;
}

/**
 * ClusterRoutes on a registry. A user's routes are read once and kept; every change is published by the registry in the
 * moment in which it happens, and applied to what is kept. After a lost subscription all that is kept is read again.
 *
 * Routes of gates and logic nodes that are gone are left out, and taken out of the registry by whoever finds them.
 */
export class SharedRoutes implements ClusterRoutes {
  readonly #backend: RegistryBackend;
  readonly #directory: SharedDirectory;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #nodeId: string;
  readonly #maxCached: number;
  readonly #own = new MemoryRouteTable();
  /** In the order of last use. */
  readonly #entries = new Map<bigint, Entry>();
  readonly #remoteUsers = new Map<string, bigint>();
  readonly #reading = new Map<bigint, Reading>();
  /** Of the write that is under way, which answers what the users have. */
  #writing = new Map<bigint, Asked>();
  #toRead: { userId: bigint; resolve(): void; reject(error: unknown): void }[] = [];
  readonly #writer: RouteWriter;
  readonly #listeners = new Set<PresenceListener>();
  readonly #toClear = new Map<string, { userId: string; field: string; value: string }>();
  #clearing = false;
  #deaf = true;
  #refreshing = false;
  #someStale = false;
  /** Users with a route of whom it is not known whether its nodes are there. */
  #unsure = new Set<bigint>();
  #settling = false;
  #cancelSettling: (() => void) | undefined;
  #cancelRenew: (() => void) | undefined;
  #unwatch: (() => void) | undefined;
  #started = false;

  constructor(options: {
    backend: RegistryBackend;
    pulse: Pulse;
    directory: SharedDirectory;
    clock: Clock;
    logger: Logger;
    nodeId: string;
    maxCached?: number;
  }) {
    this.#backend = options.backend;
    this.#directory = options.directory;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#nodeId = options.nodeId;
    this.#maxCached = options.maxCached ?? MAX_CACHED_USERS;
    this.#writer = new RouteWriter({
      backend: options.backend,
      owner: ownerPrefix(options.nodeId),
      ttlMs: ROUTE_TTL_MS,
      reachable: () => options.pulse.reachable,
      sending: (userIds) => {
        this.#writing = new Map(userIds.map((userId) => [BigInt(userId), { heard: [], missed: this.#deaf }]));
      },
      written: (userId, fields) => this.#learn(BigInt(userId), fields, this.#writing.get(BigInt(userId))),
    });
    options.pulse.listen({
      looked: () => {
        this.#writer.resume();
        this.#lookAgain();
        this.#refresh();
      },
      rewrite: (lost) => this.#rewrite(lost),
      message: (channel, text) => {
        if (channel === channels.routes) this.#heard(text);
      },
      subscriptionLost: () => this.#lost(),
      subscribed: () => this.#resumed(),
    });
  }

  get size(): number {
    return this.#own.size;
  }

  /** Users whose routes are kept, for metrics. */
  get cached(): number {
    return this.#entries.size;
  }

  /** Own routes that are not in the registry yet, or not out of it. */
  get unwritten(): number {
    return this.#writer.waiting;
  }

  async start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    this.#backend.subscribe(channels.routes);
    this.#unwatch = this.#directory.watch(() => this.#nodesChanged());
    this.#scheduleRenewal();
  }

  async stop(): Promise<void> {
    if (!this.#started) return;
    this.#started = false;
    this.#unwatch?.();
    this.#cancelRenew?.();
    this.#cancelRenew = undefined;
    this.#cancelSettling?.();
    this.#cancelSettling = undefined;
    for (const [userId] of this.#entries) {
      for (const route of this.#own.ofUser(userId))
        this.#writer.put(String(userId), fieldOf(route.connection), undefined);
    }
    await this.#writer.idle();
  }

  // ---- own routes: from memory, written behind the call ----

  add(route: Route): void {
    const { userId } = route.identity;
    const before = this.#own.find(route.connection);
    if (before && before.identity.userId !== userId) this.remove(route.connection);
    this.#own.add(route);
    const entry = this.#entries.get(userId) ?? this.#makeEntry(userId);
    this.#reckon(userId, entry);
    this.#writer.put(String(userId), fieldOf(route.connection), routeText(route, this.#nodeId));
  }

  remove(connection: ConnectionRef): Route | undefined {
    const route = this.#own.remove(connection);
    if (!route) return this.#removeRemote(connection);
    const { userId } = route.identity;
    this.#writer.put(String(userId), fieldOf(connection), undefined);
    const entry = this.#entries.get(userId);
    if (entry) this.#reckon(userId, entry);
    return route;
  }

  removeGate(gateId: string): readonly Route[] {
    const routes = this.#own.removeGate(gateId);
    for (const route of routes) this.#writer.put(String(route.identity.userId), fieldOf(route.connection), undefined);
    for (const userId of new Set(routes.map((route) => route.identity.userId))) {
      const entry = this.#entries.get(userId);
      if (entry) this.#reckon(userId, entry);
    }
    return routes;
  }

  find(connection: ConnectionRef): Route | undefined {
    return this.#own.find(connection);
  }

  ofSession(sessionId: bigint): readonly Route[] {
    return this.#own.ofSession(sessionId);
  }

  async written(connection: ConnectionRef): Promise<void> {
    await this.#writer.settled(fieldOf(connection));
    if (!this.#own.find(connection)) throw new RegistryUnavailable('the connection is gone');
  }

  // ---- everybody's ----

  ofUser(userId: bigint): readonly Route[] | Promise<readonly Route[]> {
    const entry = this.#entries.get(userId);
    // While nothing is heard, what is kept is used: it is the best there is.
    if (entry?.known && !entry.stale) {
      this.#entries.delete(userId);
      this.#entries.set(userId, entry);
      return this.#viewOf(userId, entry);
    }
    return this.#readFor(userId, entry);
  }

  watch(listener: PresenceListener): () => void {
    const own: PresenceListener = (userId, online) => listener(userId, online);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  async page(query: { userId: bigint | null; gateId: string | null; limit: number }): Promise<readonly KnownRoute[]> {
    const found: KnownRoute[] = [];
    const take = (userId: bigint, fields: RouteFields): void => {
      for (const [field, value] of Object.entries(fields)) {
        const read = readRoute(userId, field, value);
        if (!read || found.length >= query.limit) continue;
        if (query.gateId !== null && read.route.connection.gateId !== query.gateId) continue;
        if (this.#standing(read) === 'gone') continue;
        const { connection, identity } = read.route;
        found.push({ connection, identity, logicNodeId: read.logicNodeId });
      }
    };
    if (query.userId !== null) {
      const [fields] = await this.#backend.readRoutes([String(query.userId)]);
      if (fields) take(query.userId, fields);
      return found;
    }
    let cursor = '0';
    let scanned = 0;
    const seen = new Set<string>();
    do {
      const part = await this.#backend.scanRoutes(cursor);
      cursor = part.cursor;
      for (const [userId, fields] of part.users) {
        if (seen.has(userId) || !/^\d{1,20}$/.test(userId)) continue;
        seen.add(userId);
        take(BigInt(userId), fields);
      }
      scanned += part.users.length;
    } while (cursor !== '0' && found.length < query.limit && scanned < MAX_SCANNED);
    return found;
  }

  // ---- reading ----

  async #readFor(userId: bigint, before: Entry | undefined): Promise<readonly Route[]> {
    try {
      await this.#read(userId);
    } catch (error) {
      // Something may be missing in it; whoever is missing learns by his next heartbeat.
      if (before?.known) return this.#viewOf(userId, before);
      throw error instanceof RegistryUnavailable ? error : new RegistryUnavailable('routes could not be read', error);
    }
    const entry = this.#entries.get(userId);
    return entry ? this.#viewOf(userId, entry) : this.#own.ofUser(userId);
  }

  /** Of all who are asked for in one turn in one call. */
  #read(userId: bigint): Promise<void> {
    const under = this.#reading.get(userId);
    if (under) return under.promise;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#reading.set(userId, { promise, heard: [], missed: this.#deaf });
    if (this.#toRead.push({ userId, resolve, reject }) === 1) queueMicrotask(() => this.#readAll());
    return promise;
  }

  #readAll(): void {
    const asked = this.#toRead;
    this.#toRead = [];
    for (let start = 0; start < asked.length; start += READ_AT_ONCE) {
      const part = asked.slice(start, start + READ_AT_ONCE);
      this.#backend.readRoutes(part.map(({ userId }) => String(userId))).then(
        (results) => {
          part.forEach(({ userId, resolve }, index) => {
            const reading = this.#reading.get(userId);
            this.#reading.delete(userId);
            this.#learn(userId, results[index] ?? {}, reading);
            resolve();
          });
        },
        (error: unknown) => {
          for (const { userId, reject } of part) {
            this.#reading.delete(userId);
            reject(error);
          }
        },
      );
    }
  }

  /**
   * What the registry has of a user. Everything heard before it was asked is older. While the others write their part
   * again, who is missing there is not gone.
   */
  #learn(userId: bigint, fields: RouteFields, asked: Asked | undefined): void {
    const known = this.#entries.get(userId);
    const entry = known ?? this.#makeEntry(userId, Object.keys(fields).length > 0);
    const present = new Map(Object.entries(fields));
    for (const [field, value] of asked?.heard ?? []) {
      if (value === null) present.delete(field);
      else present.set(field, value);
    }
    for (const field of this.#settling ? [] : [...entry.remote.keys()]) {
      if (!present.has(field)) this.#dropRemote(entry, field);
    }
    for (const [field, value] of present) this.#setRemote(userId, entry, field, value);
    entry.known = true;
    entry.stale = asked?.missed ?? this.#deaf;
    this.#reckon(userId, entry);
  }

  #makeEntry(userId: bigint, online = false): Entry {
    this.#evict();
    const entry: Entry = { known: false, stale: false, remote: new Map(), online, view: undefined, viewOf: -1 };
    this.#entries.set(userId, entry);
    this.#someStale = true;
    return entry;
  }

  /** Those who are connected here stay. */
  #evict(): void {
    let tries = 100;
    while (this.#entries.size >= this.#maxCached && tries > 0) {
      tries -= 1;
      const [oldest] = this.#entries;
      if (!oldest) return;
      const [userId, entry] = oldest;
      this.#entries.delete(userId);
      if (this.#own.ofUser(userId).length > 0) this.#entries.set(userId, entry);
      else for (const field of [...entry.remote.keys()]) this.#dropRemote(entry, field);
    }
  }

  #setRemote(userId: bigint, entry: Entry, field: string, value: string): void {
    if (entry.remote.get(field)?.value === value) return;
    const read = readRoute(userId, field, value);
    if (!read) return;
    // Ours are in our own table; one that is not there was left by a write that nobody saw end.
    if (read.logicNodeId === this.#nodeId) {
      if (!this.#own.find(read.route.connection)) this.#clear(String(userId), field, value);
      return;
    }
    entry.remote.set(field, { ...read, value });
    entry.view = undefined;
    this.#remoteUsers.set(field, userId);
  }

  #dropRemote(entry: Entry, field: string): void {
    if (!entry.remote.delete(field)) return;
    entry.view = undefined;
    this.#remoteUsers.delete(field);
  }

  #removeRemote(connection: ConnectionRef): Route | undefined {
    const field = fieldOf(connection);
    const userId = this.#remoteUsers.get(field);
    const entry = userId === undefined ? undefined : this.#entries.get(userId);
    const found = entry?.remote.get(field);
    if (userId === undefined || !entry || !found) return undefined;
    this.#dropRemote(entry, field);
    this.#clear(String(userId), field, found.value);
    this.#reckon(userId, entry);
    return found.route;
  }

  #viewOf(userId: bigint, entry: Entry): readonly Route[] {
    if (entry.view && entry.viewOf === this.#directory.generation) return entry.view;
    const view = [...this.#own.ofUser(userId)];
    let unsure = false;
    for (const [field, read] of [...entry.remote]) {
      const standing = this.#standing(read);
      if (standing === 'gone') {
        this.#dropRemote(entry, field);
        this.#clear(String(userId), field, read.value);
        continue;
      }
      if (standing === 'unsure') unsure = true;
      view.push(read.route);
    }
    if (unsure) this.#unsure.add(userId);
    entry.view = unsure ? undefined : view;
    entry.viewOf = this.#directory.generation;
    return view;
  }

  #standing({ route, logicNodeId }: ReadRoute): 'alive' | 'gone' | 'unsure' {
    const gate = this.#directory.standing(route.connection.gateId);
    if (gate === 'gone') return gate;
    const logic = this.#directory.standing(logicNodeId);
    return logic === 'alive' ? gate : logic;
  }

  /** After every change of what is known of a user: tells listeners when the first route came or the last one went. */
  #reckon(userId: bigint, entry: Entry): void {
    entry.view = undefined;
    const online = this.#own.ofUser(userId).length > 0 || this.#viewOf(userId, entry).length > 0;
    if (online === entry.online) return;
    // The last one of ours went, and of the others nothing is known.
    if (!online && !entry.known) return;
    entry.online = online;
    this.#tell(userId, online);
  }

  #tell(userId: bigint, online: boolean): void {
    for (const listener of this.#listeners) listener(userId, online);
  }

  // ---- what is heard ----

  #heard(text: string): void {
    const news = readRouteNews(text);
    if (!news) {
      this.#logger.warn({ news: text.slice(0, 200) }, 'news of routes are none');
      return;
    }
    for (const [id, field, value, alone] of news) {
      const userId = BigInt(id);
      this.#reading.get(userId)?.heard.push([field, value]);
      this.#writing.get(userId)?.heard.push([field, value]);
      const entry = this.#entries.get(userId);
      if (!entry) {
        if (alone) this.#tell(userId, value !== null);
        continue;
      }
      if (value === null) {
        this.#dropRemote(entry, field);
        this.#keepOwn(userId, field);
      } else this.#setRemote(userId, entry, field, value);
      this.#reckon(userId, entry);
    }
  }

  /** Somebody who thought us gone has cleared a route of ours. */
  #keepOwn(userId: bigint, field: string): void {
    const route = this.#own.ofUser(userId).find(({ connection }) => fieldOf(connection) === field);
    if (route) this.#writer.put(String(userId), field, routeText(route, this.#nodeId));
  }

  #lost(): void {
    this.#deaf = true;
    this.#missed();
  }

  #missed(): void {
    for (const reading of this.#reading.values()) reading.missed = true;
    for (const writing of this.#writing.values()) writing.missed = true;
  }

  #resumed(): void {
    this.#deaf = false;
    this.#missed();
    this.#readAllAgain();
  }

  #readAllAgain(): void {
    for (const entry of this.#entries.values()) if (entry.known) entry.stale = true;
    this.#someStale = true;
    this.#refresh();
  }

  /** Reads again what may have changed unheard, so that presence comes right without anybody asking. */
  #refresh(): void {
    if (!this.#someStale || this.#refreshing || this.#deaf || !this.#started) return;
    const stale: bigint[] = [];
    for (const [userId, entry] of this.#entries) {
      if (entry.known && !entry.stale) continue;
      stale.push(userId);
      if (stale.length >= READ_AT_ONCE) break;
    }
    if (stale.length === 0) {
      this.#someStale = false;
      return;
    }
    this.#refreshing = true;
    Promise.all(stale.map((userId) => this.#read(userId))).then(
      () => {
        this.#refreshing = false;
        this.#refresh();
      },
      () => {
        // Tried again by the next look that is answered.
        this.#refreshing = false;
      },
    );
  }

  /** Whoever was only on nodes that are gone is offline. */
  #nodesChanged(): void {
    for (const [userId, entry] of this.#entries) if (entry.remote.size > 0) this.#reckon(userId, entry);
  }

  /** What the directory could not say before, it may say now. */
  #lookAgain(): void {
    const unsure = this.#unsure;
    this.#unsure = new Set();
    for (const userId of unsure) {
      const entry = this.#entries.get(userId);
      if (entry) this.#reckon(userId, entry);
    }
  }

  // ---- keeping the registry right ----

  #rewrite(lost: boolean): void {
    for (const userId of this.#entries.keys()) {
      for (const route of this.#own.ofUser(userId)) {
        this.#writer.put(String(userId), fieldOf(route.connection), routeText(route, this.#nodeId));
      }
    }
    this.#writer.resume();
    if (!lost) return;
    this.#settling = true;
    this.#cancelSettling?.();
    this.#cancelSettling = this.#clock.setTimer(SETTLE_MS, () => {
      this.#cancelSettling = undefined;
      this.#settling = false;
      this.#readAllAgain();
    });
  }

  #scheduleRenewal(): void {
    this.#cancelRenew = this.#clock.setTimer(RENEW_MS, () => {
      this.#scheduleRenewal();
      const userIds = [...this.#entries.keys()].filter((userId) => this.#own.ofUser(userId).length > 0);
      for (let start = 0; start < userIds.length; start += RENEWED_AT_ONCE) {
        const part = userIds.slice(start, start + RENEWED_AT_ONCE);
        this.#writer.renew(() => part.flatMap((userId) => this.#ownFields(userId) ?? []));
      }
    });
  }

  #ownFields(userId: bigint): OwnFields | undefined {
    const routes = this.#own.ofUser(userId);
    if (routes.length === 0) return undefined;
    const fields = routes.map((route) => [fieldOf(route.connection), routeText(route, this.#nodeId)] as const);
    return { userId: String(userId), fields: Object.fromEntries(fields) };
  }

  /** Best effort: who reads it later clears it then, and nobody uses it. */
  #clear(userId: string, field: string, value: string): void {
    if (this.#toClear.size >= MAX_TO_CLEAR) return;
    this.#toClear.set(field, { userId, field, value });
    if (!this.#clearing) {
      this.#clearing = true;
      queueMicrotask(() => this.#clearNext());
    }
  }

  #clearNext(): void {
    const part = [...this.#toClear.values()].slice(0, MAX_CLEARED_AT_ONCE);
    for (const { field } of part) this.#toClear.delete(field);
    if (part.length === 0) {
      this.#clearing = false;
      return;
    }
    this.#backend.clearRoutes(part).then(
      () => this.#clearNext(),
      () => {
        this.#toClear.clear();
        this.#clearing = false;
      },
    );
  }
}
