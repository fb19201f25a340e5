import { type Refusal, refuseEdit, refusePost, refuseReaction, refuseRecall, type Target } from '@fastim/core';
import { type ErrorName, editBody, MessageKind, reactionBody, recallBody, textBody } from '@fastim/protocol';
import type { FakeConversation, FakeMember } from './fake-conversation.ts';

export const EDIT_WINDOW_MS = 24 * 3_600_000;
export const RECALL_WINDOW_MS = 2 * 60_000;

/** Undefined: may be stored. 'unchanged': accepted, and there is nothing to store. */
export function refuseMessage(
  conversation: FakeConversation,
  member: FakeMember,
  kind: number,
  body: Uint8Array,
  nowMs: number,
): ErrorName | 'unchanged' | undefined {
  const { group } = conversation;
  switch (kind) {
    case MessageKind.text: {
      const { mentionAll, replySeq } = textBody.decode(body);
      const mayReply = replySeq === 0 || (replySeq >= member.joinSeq && replySeq <= conversation.messages.length);
      return mayReply ? refusePost(member, group, { mentionAll, nowMs }) : 'TARGET_INVALID';
    }
    case MessageKind.edit: {
      const { targetSeq, mentionAll } = editBody.decode(body);
      const notBeforeMs = nowMs - EDIT_WINDOW_MS;
      return refuseEdit(member, group, targetOf(conversation, member, targetSeq), { mentionAll, nowMs, notBeforeMs });
    }
    case MessageKind.recall: {
      const notBeforeMs = nowMs - RECALL_WINDOW_MS;
      const target = targetOf(conversation, member, recallBody.decode(body).targetSeq);
      return refuseRecall(member, group, target, { notBeforeMs });
    }
    case MessageKind.reaction: {
      const { targetSeq, emoji, removed } = reactionBody.decode(body);
      const refusal: Refusal | undefined = refuseReaction(member, group, targetOf(conversation, member, targetSeq), {
        nowMs,
      });
      if (refusal) return refusal;
      const isThere = conversation.targets.get(targetSeq)?.reactions.get(emoji)?.has(member.userId) ?? false;
      return isThere === removed ? undefined : 'unchanged';
    }
    default:
      return 'MESSAGE_INVALID';
  }
}

/** What a stored message does to the one that it is about. */
export function takeEffect(
  conversation: FakeConversation,
  convSeq: number,
  senderId: bigint,
  kind: number,
  body: Uint8Array,
): void {
  if (kind === MessageKind.edit) {
    conversation.target(editBody.decode(body).targetSeq).editedSeq = convSeq;
  } else if (kind === MessageKind.recall) {
    const { targetSeq } = recallBody.decode(body);
    const state = conversation.target(targetSeq);
    state.recalledSeq = convSeq;
    state.recalledBy = senderId;
    state.reactions.clear();
    conversation.forgetWords(targetSeq);
  } else if (kind === MessageKind.reaction) {
    const { targetSeq, emoji, removed } = reactionBody.decode(body);
    const state = conversation.target(targetSeq);
    state.reactionsSeq = convSeq;
    const users = state.reactions.get(emoji) ?? new Set<bigint>();
    if (removed) users.delete(senderId);
    else users.add(senderId);
    if (users.size > 0) state.reactions.set(emoji, users);
    else state.reactions.delete(emoji);
  }
}

function targetOf(conversation: FakeConversation, member: FakeMember, targetSeq: number): Target | undefined {
  const message = targetSeq >= member.joinSeq ? conversation.messages[targetSeq - 1] : undefined;
  return (
    message && {
      isText: message.kind === MessageKind.text,
      senderId: message.senderId,
      serverTimeMs: message.serverTimeMs,
      recalled: (conversation.targets.get(targetSeq)?.recalledSeq ?? 0) > 0,
    }
  );
}
