import type { Life } from './machine.ts';
import type { Network } from './network.ts';

interface Parcel<T> {
  readonly at: number;
  readonly item: T;
  readonly size: number;
}

/**
 * One direction between two processes: what is put in comes out in order, each some time later, for as long as the
 * network carries it. While the two machines cannot reach each other, or the receiver holds it, it waits.
 */
export class Pipe<T> {
  readonly #network: Network;
  readonly #from: Life;
  readonly #to: Life;
  readonly #deliver: (item: T) => void;
  readonly #queue: Array<Parcel<T>> = [];
  #lastAt = 0;
  #armed = false;
  #held = false;
  #cut = false;
  #stalledUntil = 0;
  /** Everything put in is lost, and neither end hears of it. */
  swallows = false;
  /** Of what is on its way. */
  size = 0;
  onDelivered: (() => void) | undefined;

  constructor(network: Network, from: Life, to: Life, deliver: (item: T) => void) {
    this.#network = network;
    this.#from = from;
    this.#to = to;
    this.#deliver = deliver;
  }

  get empty(): boolean {
    return this.#queue.length === 0;
  }

  get length(): number {
    return this.#queue.length;
  }

  put(item: T, size = 1, extraMs = 0): void {
    if (this.#cut || this.swallows) return;
    const { time } = this.#network;
    const at = Math.max(this.#lastAt, time.now + this.#network.latency(this.#from.machine, this.#to.machine) + extraMs);
    this.#lastAt = at;
    this.#queue.push({ at, item, size });
    this.size += size;
    this.#arm();
  }

  /** Nothing comes out any more. */
  cut(): void {
    this.#cut = true;
    this.#queue.length = 0;
    this.size = 0;
  }

  /** The receiver does not read. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    this.#arm();
  }

  /** Nothing comes out before then: segments were lost and have to be sent again. */
  stall(ms: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.#network.time.now + ms);
  }

  #arm(): void {
    const first = this.#queue[0];
    if (this.#armed || this.#held || !first) return;
    this.#armed = true;
    const { time } = this.#network;
    time.schedule(Math.max(first.at, this.#stalledUntil) - time.now, () => this.#due());
  }

  #due(): void {
    this.#armed = false;
    const { time } = this.#network;
    if (this.#cut || this.#held || this.#queue.length === 0) return;
    if (!this.#network.reachable(this.#from.machine, this.#to.machine)) {
      this.#armed = true;
      this.#network.whenHealed(this.#from.machine, this.#to.machine, () => this.#due());
      return;
    }
    if (this.swallows) {
      this.#queue.length = 0;
      this.size = 0;
      return;
    }
    if (this.#stalledUntil > time.now) {
      this.#arm();
      return;
    }
    // Everything that is due by now: one event for what came in one burst.
    while (this.#queue[0] && this.#queue[0].at <= time.now && !this.#held && !this.#cut) {
      const { item, size } = this.#queue.shift()!;
      this.size -= size;
      this.#to.enter(() => this.#deliver(item));
      this.onDelivered?.();
    }
    this.#arm();
  }
}
