/**
 * How often something may be said: at once for a few times in a row, then at most once an `intervalMs`. No clock of its
 * own; one that is set back delays nothing by more than `burst` intervals.
 */
export class Pace {
  readonly #intervalMs: number;
  readonly #slackMs: number;
  #fullAt = 0;

  constructor(intervalMs: number, burst: number) {
    this.#intervalMs = intervalMs;
    this.#slackMs = intervalMs * (burst - 1);
  }

  /** How long to wait before the next time; 0: now. */
  wait(nowMs: number): number {
    const ahead = this.#fullAt - nowMs;
    if (ahead > this.#slackMs + this.#intervalMs) return 0;
    return Math.max(0, ahead - this.#slackMs);
  }

  said(nowMs: number): void {
    const ahead = this.#fullAt - nowMs;
    const from = ahead > this.#slackMs + this.#intervalMs ? nowMs : Math.max(this.#fullAt, nowMs);
    this.#fullAt = from + this.#intervalMs;
  }
}
