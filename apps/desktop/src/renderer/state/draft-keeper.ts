import type { EngineLink } from '../bridge-link/engine-link.ts';

/**
 * Drafts on their way to the disk. What is typed is saved 300 ms after the last key, or at once by `flush`; what could
 * not be saved (the engine was away) stays here and goes with the next `flush`. The newest text is known at once.
 */
export interface DraftKeeper {
  changed(conversationId: string, text: string): void;
  /** The message was sent: the engine clears its draft with it, so nothing is left to save. */
  sent(conversationId: string): void;
  /** What was typed here last, if anything was since the page opened. */
  latest(conversationId: string): string | undefined;
  flush(): void;
  forget(): void;
}

const saveAfterMs = 300;

export function createDraftKeeper(
  link: EngineLink,
  schedule: (action: () => void, ms: number) => () => void,
): DraftKeeper {
  const latest = new Map<string, string>();
  const unsaved = new Map<string, string>();
  let cancel: (() => void) | null = null;

  const flush = (): void => {
    cancel?.();
    cancel = null;
    for (const [conversationId, text] of unsaved) {
      unsaved.delete(conversationId);
      link.call('drafts.set', { conversationId, text }).catch(() => {
        // Kept for the next flush, unless something newer was typed meanwhile.
        if (latest.get(conversationId) === text && !unsaved.has(conversationId)) unsaved.set(conversationId, text);
      });
    }
  };

  return {
    changed(conversationId, text) {
      if (latest.get(conversationId) === text) return;
      latest.set(conversationId, text);
      unsaved.set(conversationId, text);
      cancel?.();
      cancel = schedule(flush, saveAfterMs);
    },
    sent(conversationId) {
      latest.set(conversationId, '');
      unsaved.delete(conversationId);
    },
    latest: (conversationId) => latest.get(conversationId),
    flush,
    forget() {
      cancel?.();
      cancel = null;
      latest.clear();
      unsaved.clear();
    },
  };
}
