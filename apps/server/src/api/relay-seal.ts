import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { Clock } from '@fastim/core';

/** Says that a request was passed on by a process of the cluster, and for whom. Whoever sees it passes it on no further. */
export const RELAYED_HEADER = 'x-fastim-relayed';

/** For whom a request was passed on. */
export interface RelayedFor {
  /** The client's, for limits and logs. */
  readonly address: string;
  /** The name by which the client reached the process that it asked. */
  readonly host: string;
}

/** Clocks in a cluster differ by less than half of this. */
const GOOD_FOR_MS = 15_000;
const MAX_LENGTH = 1_024;

/**
 * What makes one process of a cluster believe the header of another: a signature with the cluster's secret over client,
 * name and time. Without it the header counts as that of any client: nothing is believed, nothing is allowed by it.
 */
export class RelaySeal {
  readonly #key: Uint8Array;
  readonly #clock: Clock;

  constructor(options: { secret: string; clock: Clock }) {
    this.#key = new Uint8Array(hkdfSync('sha256', options.secret, '', 'fastim relayed request 1', 32));
    this.#clock = options.clock;
  }

  seal({ address, host }: RelayedFor): string {
    const payload = Buffer.from(JSON.stringify([this.#clock.now(), address, host])).toString('base64url');
    return `${payload}.${this.#sign(payload).toString('base64url')}`;
  }

  /** Undefined: not sealed by one of us just now. */
  open(header: string | readonly string[] | undefined): RelayedFor | undefined {
    if (typeof header !== 'string' || header.length > MAX_LENGTH) return undefined;
    const [payload = '', signatureText = '', ...rest] = header.split('.');
    const signature = Buffer.from(signatureText, 'base64url');
    const expected = this.#sign(payload);
    if (rest.length > 0 || signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      return undefined;
    }
    const [atMs, address, host] = JSON.parse(Buffer.from(payload, 'base64url').toString()) as [number, string, string];
    return Math.abs(this.#clock.now() - atMs) < GOOD_FOR_MS ? { address, host } : undefined;
  }

  #sign(payload: string): Buffer {
    return createHmac('sha256', this.#key).update(payload).digest();
  }
}
