import type { Machine } from './machine.ts';
import type { Chance } from './seeded.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Who reaches whom, and how long it takes. */
export class Network {
  readonly time: VirtualTime;
  readonly chance: Chance;
  /** Faults: machine names → how often they are cut off from each other. Several cuts may overlap. */
  readonly #cuts = new Map<string, number>();
  readonly #base = new Map<string, number>();
  readonly #slow = new Map<string, number>();
  readonly #waiting = new Map<string, Array<() => void>>();

  constructor(time: VirtualTime, chance: Chance) {
    this.time = time;
    this.chance = chance;
  }

  reachable(a: Machine, b: Machine): boolean {
    return this.#cuts.size === 0 || !this.#cuts.has(pairOf(a, b));
  }

  /** One way, drawn anew each time around what the pair has for good. */
  latency(a: Machine, b: Machine): number {
    const pair = pairOf(a, b);
    let base = this.#base.get(pair);
    if (base === undefined) {
      base = this.chance.skewed(1, 40);
      this.#base.set(pair, base);
    }
    return base * (0.8 + 0.4 * this.chance.fraction()) + (this.#slow.size === 0 ? 0 : (this.#slow.get(pair) ?? 0));
  }

  /** Returns what ends it. */
  cut(a: Machine, b: Machine): () => void {
    const pair = pairOf(a, b);
    this.#cuts.set(pair, (this.#cuts.get(pair) ?? 0) + 1);
    return () => {
      const left = this.#cuts.get(pair)! - 1;
      if (left > 0) {
        this.#cuts.set(pair, left);
        return;
      }
      this.#cuts.delete(pair);
      const waiting = this.#waiting.get(pair) ?? [];
      this.#waiting.delete(pair);
      // What was sent meanwhile is sent again by the transport, sooner or later.
      for (const run of waiting) this.time.schedule(this.chance.between(1, 400), run);
    };
  }

  slowDown(a: Machine, b: Machine, ms: number): () => void {
    const pair = pairOf(a, b);
    this.#slow.set(pair, (this.#slow.get(pair) ?? 0) + ms);
    return () => {
      const left = this.#slow.get(pair)! - ms;
      if (left > 0) this.#slow.set(pair, left);
      else this.#slow.delete(pair);
    };
  }

  /** Runs it when the two can reach each other again; they cannot now. */
  whenHealed(a: Machine, b: Machine, run: () => void): void {
    const pair = pairOf(a, b);
    const waiting = this.#waiting.get(pair);
    if (waiting) waiting.push(run);
    else this.#waiting.set(pair, [run]);
  }
}

function pairOf(a: Machine, b: Machine): string {
  return a.name < b.name ? `${a.name}|${b.name}` : `${b.name}|${a.name}`;
}
