import type { OutgoingFrame } from '@fastim/protocol';
import type { ClientSocket } from './client-socket.ts';
import { NEVER } from './deadline-wheel.ts';
import { WRITE_BATCH_BYTES } from './gate-limits.ts';
import type { GateMetrics } from './gate-metrics.ts';
import { OutQueue } from './out-queue.ts';

/**
 * Frames for one client, on their way into its socket. While the socket has bytes that the operating system does not
 * take, nothing more is given to it: progress can then be told from standstill, and what is not sent can be dropped.
 */
export class FrameOutlet {
  readonly #socket: ClientSocket;
  readonly #metrics: GateMetrics;
  readonly #queue = new OutQueue();
  #blockedSince = NEVER;

  constructor(socket: ClientSocket, metrics: GateMetrics) {
    this.#socket = socket;
    this.#metrics = metrics;
  }

  /** Since when the socket has taken nothing; NEVER: it takes what it is given. */
  get blockedSince(): number {
    return this.#blockedSince;
  }

  /** Bytes that wait here. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Bytes that the operating system has not taken. */
  get unsent(): number {
    return this.#queue.length + this.#socket.unwritten;
  }

  /** `shared`: the frame, encoded once for several connections. */
  push(frame: OutgoingFrame, shared?: Uint8Array): void {
    this.#metrics.frameDown(frame.cmd);
    if (shared) this.#queue.pushEncoded(shared);
    else this.#queue.push(frame);
  }

  /** A frame that is encoded already. */
  pushEncoded(cmd: number, bytes: Uint8Array): void {
    this.#metrics.frameDown(cmd);
    this.#queue.pushEncoded(bytes);
  }

  /** Writes until the queue is empty or the socket blocks. */
  write(now: number): void {
    this.unblock();
    while (this.#blockedSince === NEVER && this.#writeBatch()) {
      if (this.#socket.unwritten > 0) this.#blockedSince = now;
    }
  }

  /** Gives everything to the socket, blocked or not: the last words. */
  writeAll(): void {
    while (this.#writeBatch());
  }

  /**
   * True: the socket was blocked and no longer is. To be asked when it says it wrote something, and again before
   * anything rests on its being blocked: it does not say so of bytes that are not ours (the answer to a ping).
   */
  unblock(): boolean {
    if (this.#blockedSince === NEVER || this.#socket.unwritten > 0) return false;
    this.#blockedSince = NEVER;
    return true;
  }

  /** Forgets what is queued. */
  drop(): void {
    this.#queue.clear();
  }

  #writeBatch(): boolean {
    const bytes = this.#queue.take(WRITE_BATCH_BYTES);
    if (!bytes) return false;
    this.#metrics.writes += 1;
    this.#metrics.bytesDown += bytes.length;
    this.#socket.write(bytes);
    return true;
  }
}
