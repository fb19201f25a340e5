import type { Socket } from 'node:net';
import type { LinkErrorHandler } from '../in-process.ts';
import { EARLY_FLUSH_BYTES, MAX_HANDSHAKE_PACKET, MAX_PACKET, OVERFLOW_BYTES } from './wire/limits.ts';
import { MalformedPacket } from './wire/packet-reader.ts';
import { type PacketHandler, PacketSplitter } from './wire/packet-splitter.ts';
import { PacketWriter } from './wire/packet-writer.ts';

/**
 * Why a link ended. goodbye: the other side said so. closed: we did. lost: the socket broke or was hung up. silence: nothing
 * heard. overflow: the other side does not read. malformed: what came is no packet. refused: in the handshake.
 * replaced: the same node has come again.
 */
export type EndReason = 'goodbye' | 'closed' | 'lost' | 'silence' | 'overflow' | 'malformed' | 'refused' | 'replaced';

export interface Ended {
  readonly reason: EndReason;
  readonly detail: string;
}

export interface PacketSocketOptions {
  readonly defer: (flush: () => void) => void;
  readonly onError: LinkErrorHandler;
  /** Once, in a microtask after the end; no packet is handed over any more. */
  readonly onEnd: (ended: Ended) => void;
}

/**
 * A socket that carries packets. Everything written in one turn of the event loop goes out as one write. It never throws at
 * who writes, and what comes in never throws past it: bad bytes end it, and an error of a packet's receiver is
 * reported, and the packets behind it still arrive.
 */
export class PacketSocket {
  readonly writer = new PacketWriter();
  /** Gets each packet. May be changed from within. */
  handler: PacketHandler = () => undefined;
  packetsIn = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Counts the writes to the socket. */
  turn = 0;
  readonly #socket: Socket;
  readonly #splitter: PacketSplitter;
  readonly #options: PacketSocketOptions;
  #scheduled = false;
  #ended: Ended | undefined;

  constructor(socket: Socket, options: PacketSocketOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#splitter = new PacketSplitter(this.#take, MAX_HANDSHAKE_PACKET);
    socket.setNoDelay(true);
    socket.on('data', this.#read);
    socket.on('error', (error) => this.end('lost', error.message));
    socket.on('close', () => this.end('lost', 'the other side hung up'));
  }

  get open(): boolean {
    return this.#ended === undefined;
  }

  /** Bytes that wait for the socket. */
  get waiting(): number {
    return this.writer.length + this.#socket.writableLength;
  }

  /** The other side has proved who it is: packets may be large from now on. */
  trust(): void {
    this.#splitter.limit = MAX_PACKET;
  }

  /** What was put into the writer goes out at the end of the turn. */
  written(): void {
    if (this.writer.length >= EARLY_FLUSH_BYTES) this.flush();
    else if (!this.#scheduled) {
      this.#scheduled = true;
      this.#options.defer(this.#flushTurn);
    }
  }

  flush(): void {
    const chunks = this.writer.take();
    if (chunks.length === 0 || !this.open) return;
    this.turn += 1;
    if (chunks.length > 1) this.#socket.cork();
    for (const chunk of chunks) {
      this.bytesOut += chunk.length;
      this.#socket.write(chunk);
    }
    if (chunks.length > 1) this.#socket.uncork();
    if (this.waiting > OVERFLOW_BYTES) this.end('overflow', `${this.waiting} bytes wait`);
  }

  /** At once; what waits is lost. Only the first call counts. */
  end(reason: EndReason, detail: string): void {
    if (this.#ended) return;
    this.#finish({ reason, detail });
    this.#socket.destroy();
  }

  /** Writes what waits, then hangs up. Whoever does not take it within `graceMs` is cut off by `setTimer`. */
  finish(reason: EndReason, detail: string, setTimer: (callback: () => void) => () => void): Promise<void> {
    this.flush();
    if (this.#ended) return Promise.resolve();
    this.#finish({ reason, detail });
    return new Promise((resolve) => {
      const cancel = setTimer(() => this.#socket.destroy());
      this.#socket.once('close', () => {
        cancel();
        resolve();
      });
      // Bytes that come meanwhile are read and thrown away, so that the hanging up is seen.
      this.#socket.end();
      this.#socket.resume();
    });
  }

  #finish(ended: Ended): void {
    this.#ended = ended;
    this.#splitter.stop();
    queueMicrotask(() => this.#options.onEnd(ended));
  }

  readonly #flushTurn = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  readonly #read = (chunk: Buffer): void => {
    if (this.#ended) return;
    this.bytesIn += chunk.length;
    try {
      this.#splitter.push(chunk);
    } catch (error) {
      this.end('malformed', error instanceof Error ? error.message : String(error));
    }
  };

  readonly #take: PacketHandler = (type, bytes, from, to) => {
    if (this.#ended) return;
    this.packetsIn += 1;
    try {
      this.handler(type, bytes, from, to);
    } catch (error) {
      if (error instanceof MalformedPacket) this.end('malformed', error.message);
      else this.#options.onError(error);
    }
  };
}
