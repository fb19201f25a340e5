import {
  type Frame,
  FrameDecoder,
  type FrameHeader,
  MAX_DATA_AFTER_LOGIN,
  MAX_DATA_BEFORE_LOGIN,
  type RemoteProtocolError,
} from '@fastim/protocol';
import { NEVER } from './deadline-wheel.ts';

/**
 * Bytes from one client, on their way to frames that were dealt with. Frames that cannot be dealt with yet wait here in
 * order. The caller reads no further while there are any, so no more wait than came in one chunk or message.
 */
export class FrameIntake {
  readonly #decoder = new FrameDecoder(MAX_DATA_BEFORE_LOGIN);
  #waiting: Frame[] | undefined;
  #next = 0;
  #offering = false;

  /** Since when the frame that is half there has been coming; NEVER: none is. */
  partialSince = NEVER;

  get isWaiting(): boolean {
    return this.#waiting !== undefined;
  }

  /** The stream is broken. Frames from before it may still wait. */
  get fault(): RemoteProtocolError | undefined {
    return this.#decoder.fault;
  }

  get faultHeader(): FrameHeader | undefined {
    return this.#decoder.faultHeader;
  }

  /** From now on frames may be as large as after a login. */
  allowLargeFrames(): void {
    this.#decoder.setMaxDataLength(MAX_DATA_AFTER_LOGIN);
  }

  push(bytes: Uint8Array, now: number): void {
    const frames = this.#decoder.push(bytes);
    if (frames.length > 0) {
      if (this.#waiting) for (const frame of frames) this.#waiting.push(frame);
      else this.#waiting = frames;
      this.partialSince = NEVER;
    }
    if (this.#decoder.buffered === 0) this.partialSince = NEVER;
    else if (this.partialSince === NEVER) this.partialSince = now;
  }

  /**
   * Hands on what waits, in order, until `handle` says that a frame has to wait longer. Does nothing when called from
   * within `handle`.
   */
  offer<Who>(handler: { handle(who: Who, frame: Frame): boolean }, who: Who): void {
    if (this.#offering) return;
    this.#offering = true;
    while (this.#waiting) {
      const frame = this.#waiting[this.#next];
      // `handle` may close the connection, and so drop what waits.
      if (frame && (!handler.handle(who, frame) || !this.#waiting)) break;
      if (frame) this.#next += 1;
      else this.drop();
    }
    this.#offering = false;
  }

  /** Forgets what waits. */
  drop(): void {
    this.#waiting = undefined;
    this.#next = 0;
  }
}
