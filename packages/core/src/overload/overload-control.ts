import { USER_LEVELS } from './user-level.ts';

export interface OverloadOptions {
  /** Classes of work: 0 is never refused, the last one first. */
  readonly classes: number;
  /** Mean time in the queue that is too much. */
  readonly waitLimitMs: number;
  /** The mean time that work has waited in the queue since the last call. Asked once for each window. */
  readonly meanWaitMs: () => number;
}

/**
 * A window ends after so long, or so many requests; while something is refused sooner. It is never shorter than a pause of
 * the machine (a collection of garbage, a slow write) that is no overload.
 */
const WINDOW_MS = 1_000;
const WINDOW_REFUSING_MS = 500;
const WINDOW_REQUESTS = 2_000;
const SHORTEST_WINDOW_MS = 200;
/** With fewer requests in a second it is not requests that make work wait; refusing them would not help. */
const LEAST_PER_SECOND = 100;
/** Of what was let in, this part less in the next window; more when the wait is a multiple of the limit, or grows fast. */
const SHRINK = 0.05;
const MOST_MULTIPLE = 4;
const MOST_SHRINK = 0.3;
/** A wait that is so much shorter than in the window before is on its way down already. */
const FALLING = 0.95;
const RISING = 1.02;
/** Part of what is let in that is let in more after a calm window; twice that after each further one. */
const GROW = 0.03;
/** Between two steps upwards: those refused need a while until they show that they are back. */
const GROW_EVERY_MS = 500;
/** Calm is a wait below this part of the limit; between the two nothing changes. */
const CALM = 0.5;
/** Close to where it was too much last, the way up is one level at a time for so many steps. */
const CLOSE = 0.85;
const CAREFUL_STEPS = 2;
/** What was learned so long ago says nothing about now. */
const FORGET_MS = 10_000;

/**
 * Overload control after DAGOR (Zhou et al., 2018), without IO. Work has a class and the level of its user; what is above a
 * threshold, the pair of both, is refused. Overload is when work waits too long before it begins: not how busy the
 * machine is, and not how long the work takes. Then the threshold goes down by as much as takes 5 % of the requests away,
 * by a histogram of what came; when it is calm again it goes up by 3 %, and faster the longer that lasts.
 *
 * Departures from the paper. Down: a wait of several times the limit, or one that grows fast, takes more at once (a tenfold
 * burst would else need fifty windows, and all that time its queue would grow); and while the wait falls by itself, or the
 * queue that stood at the last step is not worked off, nothing more is taken. Up: steps double, so that the end of a load
 * is over within ten seconds instead of a hundred; they are small again close to where it was too much the last time; and
 * they are counted in levels as well as in requests: those who were refused stay away for the time they were told, so the
 * histogram knows nothing of them.
 */
export class OverloadControl {
  readonly #options: OverloadOptions;
  readonly #priorities: number;
  /** Requests of this window by class × level. */
  readonly #came: Uint32Array;
  #cameTotal = 0;
  #admitted = 0;
  /** What is at or above it is refused. */
  #cut: number;
  #windowStart: number | undefined;
  #lastWait = 0;
  /** The queue of the last step down is worked off then. */
  #workedOffAt = Number.NEGATIVE_INFINITY;
  #grow = GROW;
  #grownAt = Number.NEGATIVE_INFINITY;
  /** The cut at which it was too much last, and the careful steps left below it. */
  #ceiling = 0;
  #careful = 0;
  /** The last step was upwards, or there was none. */
  #rose = true;

  constructor(options: OverloadOptions) {
    this.#options = options;
    this.#priorities = options.classes * USER_LEVELS;
    this.#came = new Uint32Array(this.#priorities);
    this.#cut = this.#priorities;
  }

  /** Whether anything is refused. */
  get refusing(): boolean {
    return this.#cut < this.#priorities;
  }

  /** Of the last window. */
  get meanWaitMs(): number {
    return this.#lastWait;
  }

  /** The first class that is not let in as a whole, and the level of its users from which on it is refused. */
  get threshold(): { readonly class: number; readonly level: number } {
    return { class: Math.floor(this.#cut / USER_LEVELS), level: this.#cut % USER_LEVELS };
  }

  /**
   * A request has come and would begin now. Undefined: let it in. Else how far it is above the threshold: more than 0, and
   * 1 for a whole class or more.
   */
  offer(workClass: number, level: number, now: number): number | undefined {
    this.#windowStart ??= now;
    const elapsed = now - this.#windowStart;
    const window = this.refusing ? WINDOW_REFUSING_MS : WINDOW_MS;
    const isFull = this.#cameTotal >= WINDOW_REQUESTS && elapsed >= SHORTEST_WINDOW_MS;
    if (elapsed >= window || isFull || elapsed < 0) this.#close(now, elapsed);
    const priority = workClass * USER_LEVELS + level;
    this.#came[priority] = this.#came[priority]! + 1;
    this.#cameTotal += 1;
    if (priority < this.#cut) {
      this.#admitted += 1;
      return undefined;
    }
    return Math.min(1, (priority - this.#cut + 1) / USER_LEVELS);
  }

  #close(now: number, elapsed: number): void {
    const { meanWaitMs, waitLimitMs } = this.#options;
    const wait = meanWaitMs();
    const before = this.#lastWait;
    this.#lastWait = wait;
    if (elapsed < 0 || elapsed >= FORGET_MS) this.#reset();
    else if (wait > waitLimitMs) {
      const enough = (LEAST_PER_SECOND * Math.max(elapsed, 1)) / 1_000;
      const rises = wait > before * RISING;
      if (this.#cameTotal >= enough && (rises || (wait >= before * FALLING && now >= this.#workedOffAt))) {
        // A queue that grows by 1 ms in each ms has twice as much coming in as goes out.
        const growth = Math.max(0, wait - before) / Math.max(elapsed, 1);
        const multiple = Math.min(MOST_MULTIPLE, wait / waitLimitMs);
        this.#shrink(Math.min(MOST_SHRINK, Math.max(SHRINK * multiple, growth / (1 + growth))));
        this.#workedOffAt = now + wait;
      }
      this.#grow = GROW;
      this.#grownAt = now;
    } else if (this.refusing && wait <= waitLimitMs * CALM && now - this.#grownAt >= GROW_EVERY_MS) {
      this.#raise();
      this.#grownAt = now;
    }
    this.#came.fill(0);
    this.#cameTotal = 0;
    this.#admitted = 0;
    this.#windowStart = now;
  }

  /** What is known says nothing about now: a long silence, or a clock that was set back. */
  #reset(): void {
    this.#cut = this.#priorities;
    this.#workedOffAt = Number.NEGATIVE_INFINITY;
    this.#grownAt = Number.NEGATIVE_INFINITY;
    this.#grow = GROW;
    this.#careful = 0;
    this.#rose = true;
  }

  #shrink(part: number): void {
    let letIn = 0;
    for (let priority = USER_LEVELS; priority < this.#cut; priority += 1) letIn += this.#came[priority]!;
    // What waits now is not what could be refused: it was let in before, or is never refused.
    if (letIn === 0) return;
    // Of several steps down it is the first one that says where it was too much.
    if (this.#rose) this.#ceiling = this.#cut;
    this.#rose = false;
    this.#careful = CAREFUL_STEPS;
    let toGo = Math.max(1, Math.min(letIn, this.#admitted * part));
    while (toGo > 0 && this.#cut > USER_LEVELS) {
      this.#cut -= 1;
      toGo -= this.#came[this.#cut]!;
    }
  }

  #raise(): void {
    const open = this.#cut - USER_LEVELS;
    const close = Math.floor((this.#ceiling - USER_LEVELS) * CLOSE);
    const careful = open >= close && this.#careful > 0;
    let levels = 1;
    let requests = 0;
    if (careful) this.#careful -= 1;
    else {
      levels = Math.max(1, Math.round(open * this.#grow));
      // What is close to the ceiling is gone slowly.
      if (open < close) levels = Math.min(levels, close - open);
      requests = this.#cameTotal * this.#grow;
      this.#grow *= 2;
    }
    const highest = Math.min(this.#priorities, this.#cut + levels);
    do {
      requests -= this.#came[this.#cut]!;
      this.#cut += 1;
    } while (this.#cut < highest && requests > 0);
    this.#rose = true;
    if (!this.refusing) this.#reset();
  }
}
