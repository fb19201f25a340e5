/** Time as an argument. `ManualClock` (testing) and the platforms implement it. */
export interface Clock {
  /** ms since the Unix epoch. It may jump, both ways, when the machine's clock is set. */
  now(): number;
  /**
   * Runs `callback` once after `delayMs` of real time, however the clock is set meanwhile; returns the cancel function,
   * which may be called at any time.
   */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** Randomness as an argument. */
export interface Random {
  /** Uniform over [0, 1); not for secrets. */
  fraction(): number;
  /** From a cryptographic source (a seeded one in tests). */
  bytes(length: number): Uint8Array;
}
