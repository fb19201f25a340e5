import { useCallback, useRef, useState } from 'react';
import type { CommandParams } from '../../bridge/contract.ts';
import { errorWords, failureOf, isLost } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { newKey } from '../state/send-keys.ts';
import { useUi } from '../state/ui-context.tsx';

export type GroupChange = CommandParams<'groups.change'>['change'];

/**
 * Keys (client_msg_id) of calls whose answer was lost: the same call made again gets the same key, and has one effect.
 */
export function useCallKeys(): <R>(call: unknown, make: (key: string) => Promise<R>) => Promise<R> {
  const ui = useUi();
  const open = useRef(new Map<string, string>());
  return useCallback(
    async (call, make) => {
      const name = JSON.stringify(call);
      const key = open.current.get(name) ?? newKey(ui.surroundings.now());
      open.current.set(name, key);
      try {
        const result = await make(key);
        open.current.delete(name);
        return result;
      } catch (error) {
        if (!isLost(error)) open.current.delete(name);
        throw error;
      }
    },
    [ui],
  );
}

/** Changes a group. Resolves with those it was really done to, rejects with a `reason`. */
export function useChangeGroup(conversationId: string): (change: GroupChange) => Promise<{ userIds: string[] }> {
  const ui = useUi();
  const withKey = useCallKeys();
  return useCallback(
    (change) => withKey(change, (key) => ui.link.call('groups.change', { conversationId, change, key })),
    [ui, conversationId, withKey],
  );
}

export interface Attempt {
  readonly busy: boolean;
  /** Why the last one failed, in words. */
  readonly problem: string | null;
  /** Whether it was done. One at a time: while one runs, another is not begun. */
  run(action: () => Promise<unknown>): Promise<boolean>;
  clear(): void;
}

export function useAttempt(): Attempt {
  const text = useText();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const running = useRef(false);
  const run = useCallback(
    async (action: () => Promise<unknown>): Promise<boolean> => {
      if (running.current) return false;
      running.current = true;
      setBusy(true);
      setProblem(null);
      try {
        await action();
        return true;
      } catch (error) {
        setProblem(errorWords(text, failureOf(error).reason));
        return false;
      } finally {
        running.current = false;
        setBusy(false);
      }
    },
    [text],
  );
  const clear = useCallback(() => setProblem(null), []);
  return { busy, problem, run, clear };
}
