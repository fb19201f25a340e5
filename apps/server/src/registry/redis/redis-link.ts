import type { Clock, Random } from '@fastim/core';
import { Redis } from 'ioredis';
import type { Logger } from 'pino';
import { RegistryUnavailable } from '../contract.ts';
import type { BackendListener } from '../shared/registry-backend.ts';

/** A command that is not answered in this time counts as failed; whether it happened is unknown. */
const COMMAND_MS = 2_000;
const CONNECT_MS = 3_000;
/** The connection is given up when it says nothing for so long, and made anew. */
const PING_MS = 1_000;
const MAX_IN_FLIGHT = 20_000;
const MAX_RECONNECT_MS = 1_000;

/**
 * Two connections to one Redis: commands, and what is published. Nothing waits for a Redis that is away: calls reject at
 * once, and no more than a bounded number is under way. A connection on which nothing is answered is closed and made
 * anew, so a Redis that hangs looks like one that is away.
 */
export class RedisLink {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listener: BackendListener;
  readonly #commands: Redis;
  readonly #subscriber: Redis;
  readonly #channels = new Set<string>();
  readonly #prefix: string;
  #inFlight = 0;
  #hangs = false;
  #subscribed = false;
  #stopped = false;
  #cancelPing: (() => void) | undefined;
  readonly #lastErrors = new Map<string, string>();

  constructor(options: {
    url: string;
    prefix: string;
    clock: Clock;
    random: Random;
    logger: Logger;
    listener: BackendListener;
  }) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#listener = options.listener;
    this.#prefix = options.prefix;
    const make = (): Redis =>
      new Redis(options.url, {
        lazyConnect: true,
        enableOfflineQueue: false,
        autoResendUnfulfilledCommands: false,
        autoResubscribe: false,
        maxRetriesPerRequest: 0,
        commandTimeout: COMMAND_MS,
        connectTimeout: CONNECT_MS,
        keepAlive: 10_000,
        retryStrategy: (times) =>
          Math.ceil(Math.min(MAX_RECONNECT_MS, 50 * 2 ** Math.min(times, 6)) * (0.5 + options.random.fraction() / 2)),
        reconnectOnError: (error) => error.message.startsWith('READONLY'),
      });
    this.#commands = make();
    this.#subscriber = make();
    this.#watch(this.#commands, 'commands');
    this.#watch(this.#subscriber, 'subscriptions');
    this.#commands.on('ready', () => {
      this.#hangs = false;
      this.#listener.connected();
    });
    this.#subscriber.on('ready', () => this.#resubscribe());
    this.#subscriber.on('close', () => this.#lost());
    this.#subscriber.on('message', (channel: string, text: string) => {
      this.#listener.message(channel.slice(this.#prefix.length), text);
    });
  }

  start(): void {
    for (const redis of [this.#commands, this.#subscriber]) redis.connect().catch(() => undefined);
    this.#schedulePing();
  }

  /** Rejects with RegistryUnavailable when Redis cannot be reached, and with its own error when it refuses. */
  async run<T>(send: (redis: Redis) => Promise<T>): Promise<T> {
    if (this.#stopped) throw new RegistryUnavailable('the registry is stopped');
    if (this.#hangs || this.#commands.status !== 'ready') throw new RegistryUnavailable('Redis cannot be reached');
    if (this.#inFlight >= MAX_IN_FLIGHT) throw new RegistryUnavailable('too many calls to Redis are under way');
    this.#inFlight += 1;
    try {
      return await send(this.#commands);
    } catch (error) {
      if (
        error instanceof Error &&
        error.name === 'ReplyError' &&
        !/^(?:LOADING|MASTERDOWN|READONLY|BUSY)/.test(error.message)
      ) {
        throw error;
      }
      if (error instanceof Error && error.message === 'Command timed out') this.#hang(this.#commands);
      throw new RegistryUnavailable('Redis cannot be reached', error);
    } finally {
      this.#inFlight -= 1;
    }
  }

  subscribe(channel: string): void {
    if (this.#channels.has(channel)) return;
    this.#channels.add(channel);
    if (this.#subscriber.status === 'ready') this.#resubscribe();
  }

  /** Idempotent; calls under way reject. */
  stop(): void {
    this.#stopped = true;
    this.#cancelPing?.();
    this.#commands.disconnect();
    this.#subscriber.disconnect();
  }

  #resubscribe(): void {
    if (this.#channels.size === 0 || this.#stopped) return;
    const names = [...this.#channels].map((channel) => `${this.#prefix}${channel}`);
    this.#subscriber.subscribe(...names).then(
      () => {
        // One that was asked for meanwhile has its own call under way.
        if (this.#stopped || names.length < this.#channels.size) return;
        this.#subscribed = true;
        this.#listener.subscribed();
      },
      () => this.#reconnect(this.#subscriber),
    );
  }

  #lost(): void {
    if (!this.#subscribed) return;
    this.#subscribed = false;
    this.#listener.subscriptionLost();
  }

  /** A connection may be dead without anybody having said so. */
  #schedulePing(): void {
    this.#cancelPing = this.#clock.setTimer(PING_MS, () => {
      this.#schedulePing();
      for (const redis of [this.#commands, this.#subscriber]) {
        if (redis.status === 'ready') redis.ping().catch(() => this.#hang(redis));
      }
    });
  }

  #hang(redis: Redis): void {
    if (this.#stopped || redis.status !== 'ready') return;
    if (redis === this.#commands) this.#hangs = true;
    this.#reconnect(redis);
  }

  /** Commands under way reject. */
  #reconnect(redis: Redis): void {
    if (!this.#stopped) redis.disconnect(true);
  }

  #watch(redis: Redis, name: string): void {
    redis.on('error', (error: Error) => {
      // Each state of things once; that the registry is away is said elsewhere.
      if (this.#stopped || this.#lastErrors.get(name) === error.message) return;
      this.#lastErrors.set(name, error.message);
      this.#logger.warn({ reason: error.message, connection: name }, 'connection to Redis failed');
    });
    redis.on('ready', () => this.#lastErrors.delete(name));
  }
}
