import { type Rate, takeFromRate, waitForRate } from '@fastim/core';
import { CloseCode } from '@fastim/protocol';
import type { GateConfig } from '../config.ts';
import { addressKey } from '../net/client-address.ts';
import { COMPLAINT_INTERVAL_MS } from './gate-limits.ts';

export interface Refusal {
  readonly code: CloseCode;
  readonly reason: string;
}

/** A connection that has neither logged in nor shown a ticket: it may have to make room for others. */
export interface Stranger {
  /** Closes it. It stays counted for its address until it is gone. */
  evict(): void;
}

interface AddressRecord {
  connections: number;
  /** The oldest first. */
  strangers: Set<Stranger> | undefined;
  /** State of the accept rate. */
  acceptsFullAt: number;
  lastSeenAt: number;
  lastComplaintAt: number;
}

const PRUNE_EVERY_MS = 30_000;

/**
 * Who may connect: how many there are at all and by address (IPv6 by /64), the accept rate, and how many have not said who
 * they are. Decides before anything is allocated for a connection. When there are as many strangers as there may be, the
 * oldest one of the address that has most of them goes, unless that is where the newcomer is from: a few addresses that
 * hold connections open keep nobody else out. Addresses without connections are forgotten after a minute, so the table
 * cannot be grown for good. Times are the wheel's.
 */
export class Admission {
  readonly #config: GateConfig;
  readonly #acceptRate: Rate;
  readonly #addresses = new Map<string, AddressRecord>();
  #connections = 0;
  #strangers = 0;
  #prunedAt = 0;

  constructor(config: GateConfig) {
    this.#config = config;
    this.#acceptRate = { burst: config.acceptBurstPerAddress, perSecond: config.acceptPerSecondPerAddress };
  }

  /** All that were admitted and have not left, WebSocket upgrades among them. */
  get connections(): number {
    return this.#connections;
  }

  get strangers(): number {
    return this.#strangers;
  }

  /** So many strangers that those who were sent here by an LSB go first. */
  get isCrowded(): boolean {
    return this.#strangers * 2 > this.#config.unauthenticatedConnections;
  }

  /** Addresses remembered. */
  get addresses(): number {
    return this.#addresses.size;
  }

  /**
   * Undefined: admitted and counted until `left`, as a stranger until `known`; `entered` has to follow. Otherwise nothing
   * was counted but the attempt.
   */
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
    if (this.#connections >= config.connections) {
      return { code: CloseCode.gateFull, reason: 'too many connections' };
    }
    if (this.#strangers >= config.unauthenticatedConnections && !this.#makeRoom(record)) {
      return { code: CloseCode.gateFull, reason: 'too many connections that are not logged in' };
    }
    record.connections += 1;
    this.#connections += 1;
    this.#strangers += 1;
    return undefined;
  }

  /** Who was admitted. `before`: as whom until now. */
  entered(address: string, stranger: Stranger, before?: Stranger): void {
    const record = this.#record(address, 0);
    if (before && !record.strangers?.delete(before)) return;
    record.strangers ??= new Set();
    record.strangers.add(stranger);
  }

  /** No stranger any more: logged in, showed a good ticket, or gone. Said again, nothing happens. */
  known(address: string, stranger: Stranger): void {
    const record = this.#addresses.get(addressKey(address));
    if (record) this.#forget(record, stranger);
  }

  /** An admitted connection is gone. */
  left(address: string, stranger: Stranger, now: number): void {
    const record = this.#record(address, now);
    this.#forget(record, stranger);
    this.#connections -= 1;
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

  /** False: nobody else has more strangers here than `newcomer`. */
  #makeRoom(newcomer: AddressRecord): boolean {
    let most: AddressRecord | undefined;
    for (const record of this.#addresses.values()) {
      if ((record.strangers?.size ?? 0) > (most?.strangers?.size ?? newcomer.strangers?.size ?? 0)) most = record;
    }
    const [oldest] = most?.strangers ?? [];
    if (!most || !oldest) return false;
    this.#forget(most, oldest);
    oldest.evict();
    return true;
  }

  #forget(record: AddressRecord, stranger: Stranger): void {
    if (!record.strangers?.delete(stranger)) return;
    if (record.strangers.size === 0) record.strangers = undefined;
    this.#strangers -= 1;
  }

  #record(address: string, now: number): AddressRecord {
    if (now - this.#prunedAt >= PRUNE_EVERY_MS) this.#prune(now);
    const key = addressKey(address);
    let record = this.#addresses.get(key);
    if (!record) {
      record = {
        connections: 0,
        strangers: undefined,
        acceptsFullAt: now,
        lastSeenAt: now,
        lastComplaintAt: Number.NEGATIVE_INFINITY,
      };
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
