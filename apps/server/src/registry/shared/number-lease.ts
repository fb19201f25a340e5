import type { Clock, Random } from '@fastim/core';
import type { Logger } from 'pino';
import { type NumberLease, RegistryUnavailable } from '../contract.ts';
import type { Pulse } from './pulse.ts';
import { NUMBERS, type RegistryBackend } from './registry-backend.ts';

/** Renewed this often; a lost number is noticed no later. */
const RENEW_MS = 3_000;
const AGAIN_MS = 500;
/**
 * Nobody takes a number in a registry that lost its contents less than two looks ago: by then whoever can reach it has
 * claimed his own again. It only spares nodes the loss of their number; that no two use one is the storage's word
 * (the fence).
 */
const QUIET_MS = 2_000;
/** What a timer of this process may be late by, and what is under way to the storage with the number. */
const MARGIN_MS = 5_000;

interface Held {
  readonly number: number;
  readonly fence: bigint;
}

/**
 * Holds a node number: taken in the registry, where it lives for `graceMs` after the last renewal, then fenced in the
 * storage. The time is counted from before each renewal was sent, so it ends here before it ends there.
 */
export class SharedNumberLease implements NumberLease {
  readonly #backend: RegistryBackend;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #holder: string;
  readonly #takeNumber: (number: number, holder: string) => Promise<bigint>;
  readonly #graceMs: number;
  readonly #listeners = new Set<() => void>();
  readonly #first = Promise.withResolvers<void>();
  #held: Held | undefined;
  /** In the registry, not fenced yet, or held. */
  #claimed: number | undefined;
  #provenMs = 0;
  #cancelEnd: (() => void) | undefined;
  #cancelNext: (() => void) | undefined;
  #working = false;
  #again = false;
  #stopped = false;
  #said = '';

  constructor(options: {
    backend: RegistryBackend;
    pulse: Pulse;
    clock: Clock;
    random: Random;
    logger: Logger;
    holder: string;
    takeNumber: (number: number, holder: string) => Promise<bigint>;
    graceMs: number;
  }) {
    this.#backend = options.backend;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#logger = options.logger;
    this.#holder = options.holder;
    this.#takeNumber = options.takeNumber;
    this.#graceMs = options.graceMs;
    options.pulse.listen({ rewrite: () => this.#soon() });
    this.#soon();
  }

  /** -1 while none is held. */
  get number(): number {
    return this.held ? this.#held!.number : -1;
  }

  get fence(): bigint {
    return this.held ? this.#held!.fence : 0n;
  }

  /** Also right in the first turn after the process was suspended, before any timer has fired. */
  get held(): boolean {
    return this.#held !== undefined && this.#clock.now() - this.#provenMs < this.#goodMs;
  }

  /** When the first one is held; rejects when it is stopped before. */
  get first(): Promise<void> {
    return this.#first.promise;
  }

  onChange(listener: () => void): () => void {
    const own = (): void => listener();
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  giveUp(fence: bigint): void {
    if (this.#held?.fence !== fence) return;
    this.#lose('the storage says that another has it');
    this.#soon();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelNext?.();
    this.#cancelEnd?.();
    const claimed = this.#claimed;
    this.#claimed = undefined;
    if (this.#held) {
      this.#held = undefined;
      this.#tell();
    }
    this.#first.promise.catch(() => undefined);
    this.#first.reject(new RegistryUnavailable('the registry is stopped'));
    if (claimed === undefined) return;
    try {
      await this.#backend.releaseNumber(claimed, this.#holder);
    } catch {
      // It expires.
    }
  }

  get #goodMs(): number {
    return Math.max(this.#graceMs - MARGIN_MS, this.#graceMs / 2);
  }

  #soon(): void {
    if (this.#stopped) return;
    if (this.#working) {
      this.#again = true;
      return;
    }
    this.#cancelNext?.();
    this.#cancelNext = undefined;
    this.#working = true;
    this.#again = false;
    this.#step().then(
      (nextMs) => this.#next(nextMs),
      (error: unknown) => {
        this.#say(error);
        this.#next(this.#held ? RENEW_MS : AGAIN_MS);
      },
    );
  }

  #next(afterMs: number): void {
    this.#working = false;
    if (this.#stopped) return;
    if (this.#again) this.#soon();
    else this.#cancelNext = this.#clock.setTimer(afterMs, () => this.#soon());
  }

  /** Resolves with when to come again. */
  async #step(): Promise<number> {
    if (this.#held && !this.held) this.#lose('it could not be renewed in time');
    if (this.#claimed !== undefined) await this.#renew(this.#claimed);
    if (this.#claimed === undefined && !(await this.#claim())) return AGAIN_MS;
    if (this.#stopped || this.#held || this.#claimed === undefined) return RENEW_MS;
    await this.#fence(this.#claimed);
    return RENEW_MS;
  }

  /** Also claims it anew after a flush. */
  async #renew(number: number): Promise<void> {
    const sentMs = this.#clock.now();
    const ours = await this.#backend.renewNumber(number, this.#holder, this.#graceMs);
    if (this.#stopped || this.#claimed !== number) return;
    if (ours) this.#proven(sentMs);
    else this.#lose('another node has it in the registry');
  }

  async #claim(): Promise<boolean> {
    const order = {
      start: Math.floor(this.#random.fraction() * NUMBERS),
      step: 1 + 2 * Math.floor((this.#random.fraction() * NUMBERS) / 2),
    };
    const sentMs = this.#clock.now();
    const number = await this.#backend.takeNumber(this.#holder, this.#graceMs, QUIET_MS, order);
    if (number === 'none') this.#say(new Error(`all ${NUMBERS} node numbers are taken`));
    if (typeof number !== 'number') return false;
    if (this.#stopped) {
      await this.#backend.releaseNumber(number, this.#holder);
      return false;
    }
    this.#claimed = number;
    this.#proven(sentMs);
    return true;
  }

  async #fence(number: number): Promise<void> {
    const fence = await this.#takeNumber(number, this.#holder);
    // Lost or stopped meanwhile: the fence stays raised, which hurts nobody.
    if (this.#stopped || this.#claimed !== number) return;
    this.#held = { number, fence };
    this.#said = '';
    this.#logger.info({ number, fence: String(fence) }, 'node number taken');
    this.#tell();
    this.#first.resolve();
  }

  #proven(sentMs: number): void {
    this.#provenMs = sentMs;
    this.#cancelEnd?.();
    const late = Math.max(0, this.#clock.now() - sentMs);
    this.#cancelEnd = this.#clock.setTimer(Math.max(0, this.#goodMs - late), () => {
      this.#lose('it could not be renewed in time');
      this.#soon();
    });
  }

  #lose(why: string): void {
    const number = this.#claimed;
    this.#claimed = undefined;
    this.#cancelEnd?.();
    this.#cancelEnd = undefined;
    if (!this.#held) return;
    this.#held = undefined;
    this.#logger.error({ number, why }, 'node number lost: no ids until there is another');
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Once for each reason. */
  #say(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason === this.#said) return;
    this.#said = reason;
    if (error instanceof RegistryUnavailable) return;
    this.#logger.error({ err: error }, 'a node number could not be taken or renewed; tried again');
  }
}
