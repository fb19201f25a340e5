import type { Socket } from 'node:net';
import type { Toxic } from './toxics.ts';

/** Past so much waiting, the source is not read. */
const HIGH_WATER = 1024 * 1024;

type Piece = { readonly due: number; readonly bytes: Buffer } | { readonly due: number; readonly bytes: 'end' };

/** One direction of a connection: what the source sends reaches the destination in order, as the toxic lets it. */
export class Pipe {
  readonly #source: Socket;
  readonly #destination: Socket;
  readonly #random: () => number;
  readonly #tear: () => void;
  readonly #queue: Piece[] = [];
  #waiting = 0;
  #timer: NodeJS.Timeout | NodeJS.Immediate | undefined;
  #blocked = false;
  #toxic: Toxic | undefined;
  #lastDue = 0;
  /** Bytes or an end were swallowed: the two ends can never agree again. */
  tainted = false;

  constructor(source: Socket, destination: Socket, random: () => number, tear: () => void) {
    this.#source = source;
    this.#destination = destination;
    this.#random = random;
    this.#tear = tear;
    source.on('data', (chunk: Buffer) => this.#received(chunk));
    source.on('end', () => this.#ended());
    destination.on('drain', () => {
      this.#blocked = false;
      this.#pump();
    });
  }

  set toxic(toxic: Toxic | undefined) {
    this.#toxic = toxic;
    this.#flow();
    this.#pump();
  }

  stop(): void {
    if (this.#timer) {
      clearTimeout(this.#timer as NodeJS.Timeout);
      clearImmediate(this.#timer as NodeJS.Immediate);
    }
    this.#timer = undefined;
    this.#queue.length = 0;
  }

  #received(chunk: Buffer): void {
    const toxic = this.#toxic;
    if (toxic?.kind === 'reset') {
      this.#tear();
      return;
    }
    if (toxic?.kind === 'drop') {
      this.tainted = true;
      return;
    }
    const delay = toxic?.kind === 'latency' ? toxic.ms + toxic.jitterMs * this.#random() : 0;
    const single = toxic?.kind === 'slice' ? Math.min(toxic.bytes, chunk.length) : 0;
    for (let index = 0; index < single; index += 1) this.#add(chunk.subarray(index, index + 1), delay);
    if (single < chunk.length) this.#add(chunk.subarray(single), delay);
    this.#flow();
    this.#pump();
  }

  #ended(): void {
    if (this.#toxic?.kind === 'drop') {
      this.tainted = true;
      return;
    }
    const due = this.#due(this.#toxic?.kind === 'slow-close' ? this.#toxic.ms : 0);
    this.#queue.push({ due, bytes: 'end' });
    this.#pump();
  }

  #add(bytes: Buffer, delay: number): void {
    this.#queue.push({ due: this.#due(delay), bytes });
    this.#waiting += bytes.length;
  }

  /** Never before what came before it. */
  #due(delay: number): number {
    this.#lastDue = Math.max(this.#lastDue, performance.now() + delay);
    return this.#lastDue;
  }

  /** One piece a turn, so that each is a write of its own. */
  #pump(): void {
    if (this.#timer || this.#blocked || this.#toxic?.kind === 'half-open') return;
    const next = this.#queue[0];
    if (!next) return;
    const wait = next.due - performance.now();
    const run = () => {
      this.#timer = undefined;
      if (this.#toxic?.kind === 'half-open') return;
      this.#queue.shift();
      this.#write(next.bytes);
      this.#pump();
    };
    this.#timer = wait > 0 ? setTimeout(run, wait) : setImmediate(run);
  }

  #write(bytes: Buffer | 'end'): void {
    if (bytes === 'end') {
      this.#destination.end();
      return;
    }
    this.#waiting -= bytes.length;
    if (!this.#destination.writable) return;
    this.#blocked = !this.#destination.write(bytes);
    this.#flow();
  }

  #flow(): void {
    if (this.#toxic?.kind === 'half-open' || this.#waiting > HIGH_WATER) this.#source.pause();
    else this.#source.resume();
  }
}
