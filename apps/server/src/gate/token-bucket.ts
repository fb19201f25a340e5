/** Allows a burst, then a steady rate. Time is an argument; nothing runs. */
export class TokenBucket {
  #tokens: number;
  #updatedAt: number;

  constructor(burst: number, now: number) {
    this.#tokens = burst;
    this.#updatedAt = now;
  }

  /** What was left at the last take. */
  get tokens(): number {
    return this.#tokens;
  }

  /** Takes one token if there is one. */
  take(now: number, burst: number, perMs: number): boolean {
    if (now > this.#updatedAt) {
      this.#tokens = Math.min(burst, this.#tokens + (now - this.#updatedAt) * perMs);
      this.#updatedAt = now;
    }
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
