/**
 * What the registry is built on: Redis, or memory. Each call is atomic and rejects with RegistryUnavailable when it cannot
 * be reached or does not answer in time; then it may have happened or not, so everything in here can be done again.
 * Texts are opaque to it.
 */
export interface RegistryBackend {
  /** Makes the era when there is none: then everything that was there is gone, and nodes write their part again. */
  look(): Promise<Look>;
  /** `news`: the other nodes look at once. */
  report(nodeId: string, record: string, expiryMs: number, news: boolean): Promise<void>;
  withdraw(nodeId: string): Promise<void>;

  /** The newest first, bounded; the same text twice is one. */
  addIntruders(texts: readonly string[]): Promise<void>;
  intruders(): Promise<readonly string[]>;

  publish(channel: string, text: string): Promise<void>;
  /** From now on, over every loss of the connection. */
  subscribe(channel: string): void;

  /**
   * In order. Resolves with what each user has after all of them. What changed is published on the routes channel in one
   * message: JSON of `RouteNews`.
   */
  writeRoutes(writes: readonly RouteWrite[], ttlMs: number): Promise<readonly RouteFields[]>;
  readRoutes(userIds: readonly string[]): Promise<readonly RouteFields[]>;
  /** Takes exactly these values away; one that changed meanwhile stays. Published as above. */
  clearRoutes(
    gone: ReadonlyArray<{ readonly userId: string; readonly field: string; readonly value: string }>,
  ): Promise<void>;
  /**
   * Of each user, the fields of `owner` (values that start with it) are exactly `fields` afterwards, and the others stay;
   * lives for `ttlMs` more. Published as above.
   */
  renewRoutes(owner: string, users: readonly OwnFields[], ttlMs: number): Promise<void>;
  /** Goes through all of them; `cursor` '0' starts and ends. */
  scanRoutes(
    cursor: string,
  ): Promise<{ readonly cursor: string; readonly users: ReadonlyArray<readonly [string, RouteFields]> }>;

  /** 'wait': the era is younger than `quietMs`. 'none': all are taken. `order`: in which numbers are tried. */
  takeNumber(holder: string, ttlMs: number, quietMs: number, order: NumberOrder): Promise<number | 'wait' | 'none'>;
  /** True: it is the holder's (again). False: another's. */
  renewNumber(number: number, holder: string, ttlMs: number): Promise<boolean>;
  releaseNumber(number: number, holder: string): Promise<void>;

  /** ms until the turn that was taken by this call; none was taken when it is over `maxDelayMs`. */
  admit(perSecond: number, burst: number, maxDelayMs: number): Promise<number>;

  reserve(gateId: string, userId: string, expiryMs: number): Promise<void>;
  arrived(gateId: string): Promise<void>;
  reservations(gateIds: readonly string[]): Promise<readonly number[]>;

  /** Idempotent; calls under way reject. */
  stop(): Promise<void>;
}

export interface Look {
  /** Another one than before: what was written is gone. */
  readonly era: string;
  readonly nodes: readonly string[];
}

/** No value: the field goes. */
export interface RouteWrite {
  readonly userId: string;
  readonly field: string;
  readonly value: string | null;
}

/** user, field, value or null, and whether the user has none besides it (an addition: had none; a removal: has none). */
export type RouteNews = ReadonlyArray<readonly [userId: string, field: string, value: string | null, alone: boolean]>;

export interface OwnFields {
  readonly userId: string;
  readonly fields: Readonly<Record<string, string>>;
}

export type RouteFields = Readonly<Record<string, string>>;

/** start, start + step, … modulo 1024; an odd step visits all. */
export interface NumberOrder {
  readonly start: number;
  readonly step: number;
}

/** What the backend tells by itself. All are called in order and must not throw. */
export interface BackendListener {
  message(channel: string, text: string): void;
  /** Messages may have been missed since the subscription was lost. */
  subscriptionLost(): void;
  subscribed(): void;
  /** The connection for commands is there (again): what was written last may not have arrived. */
  connected(): void;
}

export const NUMBERS = 1_024;
export const MAX_INTRUDERS = 200;

/** Channels, without the prefix. */
export const channels = {
  nodes: 'nodes',
  routes: 'routes',
  bus: 'bus',
  replies: (nodeId: string) => `replies:${nodeId}`,
} as const;
