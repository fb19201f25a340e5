import { frameLength, HEADER_LENGTH, type OutgoingFrame, writeFrame } from '@fastim/protocol';

/** A frame of one connection, or bytes of a frame that many connections share. */
type Item = OutgoingFrame | Uint8Array;

const nothing: readonly Item[] = [];

/**
 * The frames of one connection on their way to its socket. Holds frames, not bytes, while the socket is blocked (so the
 * socket's own buffer stays small and frames can still be dropped), and joins them into one buffer per write.
 * Empty, it holds no memory. Order is kept.
 */
export class OutQueue {
  #items: Item[] = nothing as Item[];
  #from = 0;
  #length = 0;

  /** Bytes queued. */
  get length(): number {
    return this.#length;
  }

  /** `frame.data` must not change until it is taken, and is at most MAX_DATA_AFTER_LOGIN bytes. */
  push(frame: OutgoingFrame): void {
    this.#add(frame, frameLength(frame));
  }

  /** A frame that is encoded already. */
  pushEncoded(bytes: Uint8Array): void {
    this.#add(bytes, bytes.length);
  }

  /** The next frames as one buffer: at least one frame, and no more than fit into `limit`. Undefined when empty. */
  take(limit: number): Uint8Array | undefined {
    const items = this.#items;
    const from = this.#from;
    if (from === items.length) return undefined;
    let to = from;
    let length = 0;
    while (to < items.length) {
      const next = itemLength(items[to]!);
      if (to > from && length + next > limit) break;
      length += next;
      to += 1;
    }
    const first = items[from]!;
    const bytes = to === from + 1 && first instanceof Uint8Array ? first : join(items, from, to, length);
    this.#length -= length;
    this.#from = to;
    if (to === items.length) this.clear();
    return bytes;
  }

  clear(): void {
    this.#items = nothing as Item[];
    this.#from = 0;
    this.#length = 0;
  }

  #add(item: Item, length: number): void {
    if (this.#items === nothing) this.#items = [item];
    else this.#items.push(item);
    this.#length += length;
  }
}

function itemLength(item: Item): number {
  return item instanceof Uint8Array ? item.length : HEADER_LENGTH + item.data.length;
}

function join(items: readonly Item[], from: number, to: number, length: number): Uint8Array {
  const target = Buffer.allocUnsafe(length);
  const view = new DataView(target.buffer, target.byteOffset, length);
  let offset = 0;
  for (let index = from; index < to; index += 1) {
    const item = items[index]!;
    if (item instanceof Uint8Array) {
      target.set(item, offset);
      offset += item.length;
    } else {
      offset = writeFrame(target, view, offset, item);
    }
  }
  return target;
}
