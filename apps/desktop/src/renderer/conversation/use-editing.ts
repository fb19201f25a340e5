import { type RefObject, useEffect, useRef } from 'react';
import type { ConversationView, MessageView } from '../../bridge/contract.ts';
import { errorWords, failureOf } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { useUi, useWork } from '../state/ui-context.tsx';
import { endEdit, startEdit } from '../state/work-store.ts';
import { setText } from './text-input.ts';

/**
 * Changing one of my messages in the composer. The draft waits untouched while it goes on, and stands there again
 * afterwards; what was changed so far waits while another conversation is open.
 */
export function useEditing(options: {
  conversation: ConversationView;
  input: RefObject<HTMLTextAreaElement | null>;
  note(): void;
  onProblem(words: string | null): void;
}): {
  editing: MessageView | undefined;
  save(value: string, mentions: string[], mentionAll: boolean): Promise<void>;
} {
  const { conversation, input, note, onProblem } = options;
  const { conversationId } = conversation;
  const ui = useUi();
  const text = useText();
  const edit = useWork((state) => state.edits.get(conversationId));
  const editing = edit?.message;
  const key = editing?.key;
  const draft = useRef<string | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: only another message begins anew
  useEffect(() => {
    const element = input.current;
    if (!element || !edit) return undefined;
    draft.current ??= element.value;
    const { message } = edit;
    const named = ui.named.get(conversationId) ?? [];
    ui.named.set(conversationId, [...named, ...message.mentions]);
    setText(element, edit.text);
    element.focus({ preventScroll: true });
    note();
    return () => {
      const still = ui.work.getState().edits.get(conversationId);
      if (still?.message.key === message.key) {
        // The page goes to another conversation: the change waits as it is.
        startEdit(ui.work, message, element.value);
        return;
      }
      setText(element, draft.current ?? '');
      draft.current = null;
      onProblem(null);
      note();
    };
  }, [ui, conversationId, key]);

  const save = async (value: string, mentions: string[], mentionAll: boolean): Promise<void> => {
    if (!editing || editing.convSeq === null) return;
    if (value === editing.text) {
      endEdit(ui.work, conversationId);
      return;
    }
    try {
      await ui.link.call('messages.edit', {
        conversationId,
        convSeq: editing.convSeq,
        text: value,
        ...(mentions.length > 0 ? { mentions } : {}),
        ...(mentionAll ? { mentionAll } : {}),
      });
      endEdit(ui.work, conversationId);
    } catch (error) {
      onProblem(text('composer.editFailed', { words: errorWords(text, failureOf(error).reason) }));
    }
  };

  return { editing, save };
}
