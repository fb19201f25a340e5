/** Exponential backoff with full jitter (Brooker, "Exponential Backoff And Jitter"): uniform over [0, min(cap, base·2ⁿ)). */
export interface BackoffPolicy {
  readonly baseMs: number;
  readonly capMs: number;
}

/** `attempt` counts from 0; `random` is uniform over [0, 1). The result is at least 1 ms. */
export function backoffDelay(policy: BackoffPolicy, attempt: number, random: number): number {
  const ceiling = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(attempt, 30));
  return Math.max(1, Math.floor(ceiling * random));
}
