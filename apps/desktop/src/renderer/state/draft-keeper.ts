import type { EngineLink } from '../bridge-link/engine-link.ts';

/**
 * Drafts on their way to the disk. What is typed is saved 300 ms after the last key, or at once by `flush`; what could
 * not be saved (the engine was away) stays here and goes with the next `flush`. The newest text is known at once. What
 * the engine has taken is forgotten here: from then on its word counts, since another window may change the draft too.
 */
export interface DraftKeeper {
  changed(conversationId: string, text: string): void;
  /** The message was sent: the engine clears its draft with it, so nothing is left to save. */
  sent(conversationId: string): void;
  /** The engine has the message that was sent, and has told of the cleared draft. */
  taken(conversationId: string): void;
  /** What was typed here last, as long as the engine may not know it. */
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
      const isNewest = () => latest.get(conversationId) === text && !unsaved.has(conversationId);
      link.call('drafts.set', { conversationId, text }).then(
        () => {
          if (isNewest()) latest.delete(conversationId);
        },
        () => {
          // Kept for the next flush, unless something newer was typed meanwhile.
          if (isNewest()) unsaved.set(conversationId, text);
        },
      );
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
    taken(conversationId) {
      if (latest.get(conversationId) === '') latest.delete(conversationId);
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
