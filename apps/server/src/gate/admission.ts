import { type Rate, takeFromRate, waitForRate } from '@fastim/core';
import { CloseCode } from '@fastim/protocol';
import type { GateConfig } from '../config.ts';
import { addressKey } from '../net/client-address.ts';
import { COMPLAINT_INTERVAL_MS } from './gate-limits.ts';

export interface Refusal {
  readonly code: CloseCode;
  readonly reason: string;
}

interface AddressRecord {
  connections: number;
  /** State of the accept rate. */
  acceptsFullAt: number;
  lastSeenAt: number;
  lastComplaintAt: number;
}

const PRUNE_EVERY_MS = 30_000;

/**
 * Who may connect: counts by address (IPv6 by /64), the accept rate, and the cap on connections that have not logged
 * in. Decides before anything is allocated for a connection. Addresses without connections are forgotten after a
 * minute, so the table cannot be grown for good. Times are the wheel's.
 */
export class Admission {
  readonly #config: GateConfig;
  readonly #acceptRate: Rate;
  readonly #addresses = new Map<string, AddressRecord>();
  #unauthenticated = 0;
  #prunedAt = 0;

  constructor(config: GateConfig) {
    this.#config = config;
    this.#acceptRate = { burst: config.acceptBurstPerAddress, perSecond: config.acceptPerSecondPerAddress };
  }

  get unauthenticated(): number {
    return this.#unauthenticated;
  }

  /** Addresses remembered. */
  get addresses(): number {
    return this.#addresses.size;
  }

  /** Undefined: admitted and counted, until `left`. Otherwise nothing was counted but the attempt. */
  admit(address: string, now: number): Refusal | undefined {
    const config = this.#config;
    const record = this.#record(address, now);
    record.lastSeenAt = now;
    if (waitForRate(this.#acceptRate, record.acceptsFullAt, now) > 0) {
      return { code: CloseCode.rateLimited, reason: 'too many connections a second from this address' };
    }
    record.acceptsFullAt = takeFromRate(this.#acceptRate, record.acceptsFullAt, now);
    if (record.connections >= config.connectionsPerAddress) {
      return { code: CloseCode.rateLimited, reason: 'too many connections from this address' };
    }
    if (this.#unauthenticated >= config.unauthenticatedConnections) {
      return { code: CloseCode.gateFull, reason: 'too many connections that are not logged in' };
    }
    record.connections += 1;
    this.#unauthenticated += 1;
    return undefined;
  }

  /** An admitted connection logged in. */
  authenticated(): void {
    this.#unauthenticated -= 1;
  }

  /** An admitted connection is gone. */
  left(address: string, wasAuthenticated: boolean, now: number): void {
    if (!wasAuthenticated) this.#unauthenticated -= 1;
    const record = this.#record(address, now);
    record.connections -= 1;
    record.lastSeenAt = now;
  }

  /** Whether a line about this address may be logged now: one a minute. */
  mayComplain(address: string, now: number): boolean {
    const record = this.#record(address, now);
    if (now - record.lastComplaintAt < COMPLAINT_INTERVAL_MS) return false;
    record.lastComplaintAt = now;
    return true;
  }

  #record(address: string, now: number): AddressRecord {
    if (now - this.#prunedAt >= PRUNE_EVERY_MS) this.#prune(now);
    const key = addressKey(address);
    let record = this.#addresses.get(key);
    if (!record) {
      record = { connections: 0, acceptsFullAt: now, lastSeenAt: now, lastComplaintAt: Number.NEGATIVE_INFINITY };
      this.#addresses.set(key, record);
    }
    return record;
  }

  #prune(now: number): void {
    this.#prunedAt = now;
    for (const [key, record] of this.#addresses) {
      if (record.connections === 0 && now - record.lastSeenAt >= COMPLAINT_INTERVAL_MS) this.#addresses.delete(key);
    }
  }
}
