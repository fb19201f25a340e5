/**
 * Decides what was read: a message of someone else that stood in the view for 500 ms while somebody was looking. Pure
 * but for the scheduler it is given.
 */
export interface ReadTracker {
  /** The unread conv_seqs in the view now; empty when nobody looks. */
  seen(convSeqs: readonly number[]): void;
  stop(): void;
}

export const readAfterMs = 500;

export function createReadTracker(options: {
  now(): number;
  schedule(action: () => void, ms: number): () => void;
  /** Called with rising numbers only. */
  read(convSeq: number): void;
}): ReadTracker {
  const since = new Map<number, number>();
  let told = 0;
  let cancel: (() => void) | null = null;

  const check = (): void => {
    cancel?.();
    cancel = null;
    const now = options.now();
    let highest = 0;
    let oldestLeft = Number.POSITIVE_INFINITY;
    for (const [convSeq, from] of since) {
      if (now - from >= readAfterMs) highest = Math.max(highest, convSeq);
      else if (convSeq > told) oldestLeft = Math.min(oldestLeft, from);
    }
    if (highest > told) {
      told = highest;
      options.read(highest);
    }
    if (oldestLeft < Number.POSITIVE_INFINITY) {
      cancel = options.schedule(check, Math.max(1, oldestLeft + readAfterMs - now));
    }
  };

  return {
    seen(convSeqs) {
      const visible = new Set(convSeqs);
      for (const known of since.keys()) if (!visible.has(known)) since.delete(known);
      for (const convSeq of convSeqs) if (!since.has(convSeq)) since.set(convSeq, options.now());
      check();
    },
    stop() {
      cancel?.();
      cancel = null;
      since.clear();
    },
  };
}
