import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Clock, Random } from '@fastim/core';

export const GATE_TICKET_MS = 60_000;
const VERSION = 1;
const PAYLOAD_BYTES = 1 + 8 + 8 + 8;

/**
 * Short signed tickets: "this user was sent to a gate just now". They carry no right of their own (the access token
 * does); a gate under a storm lets ticket holders in first. The key lives as long as the process that made it.
 */
export class GateTickets {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #key: Uint8Array;

  constructor(options: { clock: Clock; random: Random }) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#key = options.random.bytes(32);
  }

  issue(userId: bigint): { ticket: string; expiresMs: number } {
    const expiresMs = this.#clock.now() + GATE_TICKET_MS;
    const payload = Buffer.alloc(PAYLOAD_BYTES);
    payload.writeUInt8(VERSION, 0);
    payload.writeBigUInt64BE(userId, 1);
    payload.writeBigUInt64BE(BigInt(expiresMs), 9);
    payload.set(this.#random.bytes(8), 17);
    return { ticket: `${payload.toString('base64url')}.${this.#sign(payload).toString('base64url')}`, expiresMs };
  }

  /** Whether we signed it for this user and its time is not over. */
  verify(ticket: string, userId: bigint): boolean {
    const [payloadText, signatureText, ...rest] = ticket.split('.');
    if (!payloadText || !signatureText || rest.length > 0) return false;
    const payload = Buffer.from(payloadText, 'base64url');
    const signature = Buffer.from(signatureText, 'base64url');
    const expected = this.#sign(payload);
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) return false;
    if (payload.length !== PAYLOAD_BYTES || payload.readUInt8(0) !== VERSION) return false;
    return payload.readBigUInt64BE(1) === userId && payload.readBigUInt64BE(9) > BigInt(this.#clock.now());
  }

  #sign(payload: Uint8Array): Buffer {
    return createHmac('sha256', this.#key).update(payload).digest();
  }
}
