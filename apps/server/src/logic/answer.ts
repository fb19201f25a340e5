import type { Clock, Random } from '@fastim/core';
import { commandName, type ErrorName, errorCatalogue, FastimError, statusOf, statusResponse } from '@fastim/protocol';
import type { Logger } from 'pino';
import { RegistryUnavailable } from '../registry/contract.ts';
import type { RequestHeader, SendToGate } from '../routing/send-to-gate.ts';
import { StorageError } from '../storage/storage.ts';
import { retryAfter } from './logic-limits.ts';
import type { LogicMetrics } from './logic-metrics.ts';

export interface Refusal {
  readonly reason: ErrorName;
  /** Undefined: the text of the catalogue. */
  readonly message: string | undefined;
  readonly retryAfterMs: number;
}

const empty = new Uint8Array(0);
/** Between two log lines about a storage that keeps failing. */
const STORAGE_LOG_INTERVAL = 10_000;

/** Answers requests, and turns whatever went wrong on the way into a status of the catalogue. */
export class Answer {
  readonly #toGate: SendToGate;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #metrics: LogicMetrics;
  #registryLoggedAt = Number.NEGATIVE_INFINITY;
  #storageFault: { kind: StorageError['kind']; loggedAt: number; unlogged: number } | undefined;

  constructor(parts: {
    toGate: SendToGate;
    clock: Clock;
    random: Random;
    logger: Logger;
    metrics: LogicMetrics;
  }) {
    this.#toGate = parts.toGate;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#metrics = parts.metrics;
  }

  with(request: RequestHeader, data: Uint8Array): void {
    this.#toGate.respond(request, data);
  }

  /** Success without anything to say: no data is a response with status OK. */
  ok(request: RequestHeader): void {
    this.#toGate.respond(request, empty);
  }

  refuse(request: RequestHeader, refusal: Refusal): void {
    this.refuseWith(request, refusal, statusResponse.encode({ status: toStatus(refusal) }));
  }

  /** For responses that carry more than a status; `data` has the refusal's status in it. */
  refuseWith(request: RequestHeader, refusal: Refusal, data: Uint8Array): void {
    this.#metrics.refuse(refusal.reason);
    if (this.#logger.isLevelEnabled('debug')) {
      this.#logger.debug(
        { logId: request.logId, cmd: commandName(request.cmd), reason: refusal.reason, detail: refusal.message },
        'request refused',
      );
    }
    this.#toGate.respond(request, data);
  }

  fail(request: RequestHeader, error: unknown): void {
    this.refuse(request, this.explain(error, request.logId));
  }

  /** The answer an error leads to. Faults of ours are logged here, once: the client gets no detail of them. */
  explain(error: unknown, logId?: number): Refusal {
    if (error instanceof StorageError) return this.#explainStorage(error, logId);
    if (error instanceof RegistryUnavailable) return this.#explainRegistry(error, logId);
    // One of ours that says when to come back was thrown on purpose (`notNow`); it is no surprise.
    if (error instanceof FastimError && (error.fault === 'theirs' || error.retryAfterMs > 0)) {
      return { reason: error.reason, message: error.message, retryAfterMs: error.retryAfterMs };
    }
    this.#metrics.internalErrors.inc();
    this.#logger.error({ err: error, logId }, 'unexpected error');
    const reason = error instanceof FastimError ? error.reason : 'INTERNAL';
    return { reason, message: undefined, retryAfterMs: this.spread(retryAfter.unavailable) };
  }

  /** To throw where something cannot be done at the moment; the client comes back after about `waitMs`. */
  notNow(reason: ErrorName, waitMs: number): FastimError {
    return new FastimError(reason, undefined, { retryAfterMs: this.spread(waitMs) });
  }

  /** The storage works again. */
  storageRecovered(): void {
    if (!this.#storageFault) return;
    this.#logger.info({ kind: this.#storageFault.kind }, 'storage takes writes again');
    this.#storageFault = undefined;
  }

  /** Uniform over the upper half of `ms`: advice that does not bring all clients back in the same moment. */
  spread(ms: number): number {
    return Math.ceil(ms * (0.5 + 0.5 * this.#random.fraction()));
  }

  #explainRegistry(error: RegistryUnavailable, logId: number | undefined): Refusal {
    const now = this.#clock.now();
    if (Math.abs(now - this.#registryLoggedAt) >= STORAGE_LOG_INTERVAL) {
      this.#registryLoggedAt = now;
      this.#logger.warn({ err: error, logId }, 'the registry cannot be reached: log-ins wait');
    }
    return { reason: 'UNAVAILABLE', message: undefined, retryAfterMs: this.spread(retryAfter.unavailable) };
  }

  #explainStorage(error: StorageError, logId: number | undefined): Refusal {
    const now = this.#clock.now();
    const fault = this.#storageFault;
    if (fault?.kind === error.kind && now - fault.loggedAt < STORAGE_LOG_INTERVAL) fault.unlogged += 1;
    else {
      const unlogged = fault?.kind === error.kind ? fault.unlogged : 0;
      this.#logger.error({ err: error, kind: error.kind, logId, unlogged }, 'storage failed');
      this.#storageFault = { kind: error.kind, loggedAt: now, unlogged: 0 };
    }
    switch (error.kind) {
      case 'full':
        return { reason: 'STORAGE_FULL', message: undefined, retryAfterMs: this.spread(retryAfter.storageFull) };
      case 'busy':
        return { reason: 'OVERLOADED', message: undefined, retryAfterMs: this.spread(retryAfter.overloaded) };
      default:
        return { reason: 'UNAVAILABLE', message: undefined, retryAfterMs: this.spread(retryAfter.unavailable) };
    }
  }
}

export function toStatus(refusal: Refusal): ReturnType<typeof statusOf> {
  return statusOf(refusal.reason, refusal.message, refusal.retryAfterMs);
}

/** Whether the client is to try the same request again. */
export function comesAgain(reason: ErrorName): boolean {
  return errorCatalogue[reason].retry === 'later';
}
