import { editBody, MessageKind, reactionBody, recallBody, type SendRequest, textBody } from '@fastim/protocol';
import type { AppendAction } from '../../storage/message-store.ts';
import { isEmoji } from './check-emoji.ts';
import { checkMentions, onlyText, type Refused, refuse, refuseText } from './check-text.ts';

/** How long after it was sent a message can be edited and recalled, in ms; 0: not at all. */
export interface Windows {
  readonly editWindowMs: number;
  readonly recallWindowMs: number;
}

export type CheckedMessage =
  /** `body` is what is stored: as it came, or without the fields that this version does not know. */
  { readonly ok: true; readonly body: Uint8Array; readonly action: AppendAction } | Refused;

const plainPost: AppendAction = { type: 'post', mentions: [], mentionAll: false, replySeq: 0 };

/**
 * What can be said of a message by itself, without the storage. Whether its sender may do it, and whether the message it
 * refers to is one that he may refer to, the store decides in the transaction.
 */
export function checkMessage(request: SendRequest, now: number, windows: Windows): CheckedMessage {
  try {
    switch (request.kind) {
      case MessageKind.text:
        return checkPost(request.body);
      case MessageKind.edit:
        return checkEdit(request.body, notBefore(now, windows.editWindowMs));
      case MessageKind.recall:
        return checkRecall(request.body, notBefore(now, windows.recallWindowMs));
      case MessageKind.reaction:
        return checkReaction(request.body);
      default:
        // Notices among them: only the server says what was done to a group.
        return refuse('MESSAGE_INVALID', 'unknown kind of message');
    }
  } catch {
    return refuse('MESSAGE_INVALID', 'the body cannot be read');
  }
}

function checkPost(body: Uint8Array): CheckedMessage {
  const text = onlyText(body);
  if (text) return refuseText(text) ?? { ok: true, body, action: plainPost };
  const post = textBody.decode(body);
  const refused = refuseText(Buffer.from(post.text));
  if (refused) return refused;
  const checked = checkMentions(post.mentions);
  if (!checked.ok) return checked;
  const { mentions } = checked;
  return {
    ok: true,
    body: textBody.encode({ ...post, mentions }),
    action: { type: 'post', mentions, mentionAll: post.mentionAll, replySeq: post.replySeq },
  };
}

function checkEdit(body: Uint8Array, notBeforeMs: number): CheckedMessage {
  const edit = editBody.decode(body);
  const { targetSeq, mentionAll } = edit;
  if (targetSeq === 0) return refuse('MESSAGE_INVALID', 'no message is named');
  const refused = refuseText(Buffer.from(edit.text));
  if (refused) return refused;
  const checked = checkMentions(edit.mentions);
  if (!checked.ok) return checked;
  const { mentions } = checked;
  return {
    ok: true,
    body: editBody.encode({ ...edit, mentions }),
    action: { type: 'edit', targetSeq, notBeforeMs, mentions, mentionAll },
  };
}

function checkRecall(body: Uint8Array, notBeforeMs: number): CheckedMessage {
  const { targetSeq } = recallBody.decode(body);
  if (targetSeq === 0) return refuse('MESSAGE_INVALID', 'no message is named');
  return { ok: true, body: recallBody.encode({ targetSeq }), action: { type: 'recall', targetSeq, notBeforeMs } };
}

function checkReaction(body: Uint8Array): CheckedMessage {
  const { targetSeq, emoji, removed } = reactionBody.decode(body);
  if (targetSeq === 0) return refuse('MESSAGE_INVALID', 'no message is named');
  if (!isEmoji(emoji)) return refuse('MESSAGE_INVALID', 'not an emoji');
  return {
    ok: true,
    body: reactionBody.encode({ targetSeq, emoji, removed }),
    action: { type: 'reaction', targetSeq, emoji, removed },
  };
}

/** For the storage 0 means "of any age", so it is never what a window comes to. */
function notBefore(now: number, windowMs: number): number {
  if (windowMs === 0) return Number.MAX_SAFE_INTEGER;
  return Math.max(1, now - windowMs);
}
