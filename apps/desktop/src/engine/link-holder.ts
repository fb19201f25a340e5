import type { Clock } from '@fastim/core';
import { type Codec, FastimError, type Status } from '@fastim/protocol';
import type { ConnectionLink } from './connection-link.ts';
import { asFastimError } from './errors.ts';
import type { EngineLimits } from './limits.ts';

/** The connection that requests go out on: one after the other over an account's life, and often none. */
export class LinkHolder {
  readonly #clock: Clock;
  readonly #limits: EngineLimits;
  readonly #waiting = new Set<(link: ConnectionLink | undefined) => void>();
  #link: ConnectionLink | undefined;

  constructor(parts: { clock: Clock; limits: EngineLimits }) {
    this.#clock = parts.clock;
    this.#limits = parts.limits;
  }

  get link(): ConnectionLink | undefined {
    return this.#link;
  }

  connected(link: ConnectionLink): void {
    this.#link = link;
    this.#wake(link);
  }

  disconnected(): void {
    this.#link = undefined;
  }

  /** Nobody waits for a connection any more. */
  close(): void {
    this.#link = undefined;
    this.#wake(undefined);
  }

  /** Rejects with the server's reason, with UNAVAILABLE when offline or cut off, or with TIMEOUT. */
  async request<Request, Response extends { status: Status | undefined }>(
    cmd: number,
    codec: Codec<Request>,
    value: Request,
    responseCodec: Codec<Response>,
  ): Promise<Response> {
    if (!this.#link) throw new FastimError('UNAVAILABLE', 'offline');
    return this.#link.request(cmd, codec, value, responseCodec, this.#limits.requestTimeoutMs);
  }

  /**
   * For requests that may be repeated (they carry a client_msg_id): one whose connection breaks is made again on the next,
   * within `requestTimeoutMs` in all. Rejects at once when there is no connection to begin with.
   */
  async requestAgain<Request, Response extends { status: Status | undefined }>(
    cmd: number,
    codec: Codec<Request>,
    value: Request,
    responseCodec: Codec<Response>,
  ): Promise<Response> {
    const until = this.#clock.now() + this.#limits.requestTimeoutMs;
    let link = this.#link;
    for (;;) {
      if (!link) throw new FastimError('UNAVAILABLE', 'offline');
      const left = Math.min(until - this.#clock.now(), this.#limits.requestTimeoutMs);
      try {
        return await link.request(cmd, codec, value, responseCodec, Math.max(1, left));
      } catch (error) {
        if (!link.closed || asFastimError(error).reason !== 'UNAVAILABLE') throw error;
        link = await this.#next(until - this.#clock.now());
        if (!link) throw error;
      }
    }
  }

  #next(withinMs: number): Promise<ConnectionLink | undefined> {
    if (this.#link && !this.#link.closed) return Promise.resolve(this.#link);
    if (withinMs <= 0) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const done = (link: ConnectionLink | undefined) => {
        cancel();
        this.#waiting.delete(done);
        resolve(link);
      };
      const cancel = this.#clock.setTimer(withinMs, () => done(undefined));
      this.#waiting.add(done);
    });
  }

  #wake(link: ConnectionLink | undefined): void {
    for (const done of [...this.#waiting]) done(link);
  }
}
