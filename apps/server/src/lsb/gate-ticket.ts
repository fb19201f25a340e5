import { createHash, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Clock, Random } from '@fastim/core';

/** From when the client may connect; tickets for those who have to wait first live as much longer. */
export const GATE_TICKET_MS = 60_000;
/** Nobody is told to wait longer than this with a ticket in his hand. */
export const LONGEST_DELAY_MS = 30_000;

const VERSION = 1;
const GATE_BYTES = 8;
const NONCE_BYTES = 12;
/** version, gate, user, expiry, nonce. */
const PAYLOAD_BYTES = 1 + GATE_BYTES + 8 + 8 + NONCE_BYTES;
const GATE_AT = 1;
const USER_AT = GATE_AT + GATE_BYTES;
const EXPIRY_AT = USER_AT + 8;
const NONCE_AT = EXPIRY_AT + 8;
const KEY_BYTES = 32;
const MAX_TICKET_LENGTH = 256;

export type TicketReading =
  | { readonly good: true; readonly userId: bigint; readonly nonce: string; readonly expiresMs: number }
  | { readonly good: false; readonly why: 'forged' | 'expired' | 'for another gate' };

/**
 * Short signed tickets: "this user was sent to this gate just now". They carry no right of their own (the access token
 * does). The key comes from the cluster's secret, so that every LSB issues and every gate reads them; without a secret it
 * lives as long as the process that made it.
 */
export class GateTickets {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #key: Uint8Array;

  constructor(options: { clock: Clock; random: Random; secret?: string }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#key = options.secret ? derivedKey(options.secret) : options.random.bytes(KEY_BYTES);
  }

  /** `delayMs`: the client connects no earlier. */
  issue(gateId: string, userId: bigint, delayMs = 0): { ticket: string; expiresMs: number } {
    const expiresMs = this.#clock.now() + delayMs + GATE_TICKET_MS;
    const payload = Buffer.alloc(PAYLOAD_BYTES);
    payload.writeUInt8(VERSION, 0);
    payload.set(gateDigest(gateId), GATE_AT);
    payload.writeBigUInt64BE(userId, USER_AT);
    payload.writeBigUInt64BE(BigInt(expiresMs), EXPIRY_AT);
    payload.set(this.#random.bytes(NONCE_BYTES), NONCE_AT);
    return { ticket: `${payload.toString('base64url')}.${this.#sign(payload).toString('base64url')}`, expiresMs };
  }

  /** What the gate of this id may believe of it; whether it was shown before is not told here. */
  read(ticket: string, gateId: string): TicketReading {
    const payload = this.#signedPayload(ticket);
    if (!payload) return { good: false, why: 'forged' };
    const expiresMs = Number(payload.readBigUInt64BE(EXPIRY_AT));
    if (expiresMs <= this.#clock.now()) return { good: false, why: 'expired' };
    if (!payload.subarray(GATE_AT, USER_AT).equals(gateDigest(gateId))) return { good: false, why: 'for another gate' };
    const nonce = payload.toString('latin1', NONCE_AT);
    return { good: true, userId: payload.readBigUInt64BE(USER_AT), nonce, expiresMs };
  }

  #signedPayload(ticket: string): Buffer | undefined {
    if (ticket.length > MAX_TICKET_LENGTH) return undefined;
    const [payloadText, signatureText, ...rest] = ticket.split('.');
    if (!payloadText || !signatureText || rest.length > 0) return undefined;
    const payload = Buffer.from(payloadText, 'base64url');
    const signature = Buffer.from(signatureText, 'base64url');
    const expected = this.#sign(payload);
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) return undefined;
    return payload.length === PAYLOAD_BYTES && payload.readUInt8(0) === VERSION ? payload : undefined;
  }

  #sign(payload: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(payload).digest();
  }
}

function gateDigest(gateId: string): Buffer {
  return createHash('sha256').update(gateId).digest().subarray(0, GATE_BYTES);
}

function derivedKey(secret: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', 'fastim gate ticket 1', KEY_BYTES));
}
