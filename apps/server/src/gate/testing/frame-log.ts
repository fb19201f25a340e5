import {
  Command,
  type Frame,
  FrameDecoder,
  type Goodbye,
  goodbye,
  MsgType,
  type Status,
  statusResponse,
} from '@fastim/protocol';

/** Everything a test client was sent, and how it ended; waits for what is to come. */
export class FrameLog {
  readonly frames: Frame[] = [];
  /** Set when the connection is gone. `code`: WebSocket only. */
  end: { code: number } | undefined;
  readonly #decoder = new FrameDecoder(1024 * 1024);
  #waiters: Array<() => void> = [];

  receive(bytes: Uint8Array): void {
    // Copied: the log outlives the chunk.
    this.frames.push(...this.#decoder.push(Uint8Array.from(bytes)));
    if (this.#decoder.fault) throw this.#decoder.fault;
    this.#wake();
  }

  ended(code: number): void {
    this.end ??= { code };
    this.#wake();
  }

  get goodbye(): Goodbye | undefined {
    const frame = this.frames.find(({ cmd }) => cmd === Command.goodbye);
    return frame && goodbye.decode(frame.data);
  }

  /** The answer to the request with this sequenceId. */
  response(sequenceId: number): Frame | undefined {
    return this.frames.find((frame) => frame.msgType === MsgType.response && frame.sequenceId === sequenceId);
  }

  /** Waits for the answer to a request and reads its status. */
  async status(sequenceId: number): Promise<Status | undefined> {
    await this.until(`request ${sequenceId} is answered`, () => this.response(sequenceId) !== undefined);
    return statusResponse.decode(this.response(sequenceId)!.data).status;
  }

  /** Resolves when the connection is gone. */
  gone(deadlineMs?: number): Promise<void> {
    return this.until('the connection is gone', () => this.end !== undefined, deadlineMs);
  }

  async until(what: string, holds: () => boolean, deadlineMs = 10_000): Promise<void> {
    const deadline = Promise.withResolvers<never>();
    const timer = setTimeout(() => deadline.reject(new Error(`waited in vain until ${what}`)), deadlineMs);
    try {
      while (!holds()) {
        const change = Promise.withResolvers<void>();
        this.#waiters.push(change.resolve);
        await Promise.race([change.promise, deadline.promise]);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
