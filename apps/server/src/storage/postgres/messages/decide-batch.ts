import { type Refusal, refuseEdit, refusePost, refuseReaction, refuseRecall, type Target } from '@fastim/core';
import {
  type EditBody,
  type ErrorName,
  editBody,
  MAX_EMOJIS_A_MESSAGE,
  MessageKind,
  RemoteProtocolError,
  type TextBody,
  textBody,
} from '@fastim/protocol';
import type { AppendAction, AppendOutcome, AppendRequest } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';
import { storedId } from '../connection/stored-values.ts';
import { storedOutcome } from './append-outcome.ts';
import type { BatchConversation, BatchMember, BatchMessage, BatchRows } from './batch-rows.ts';

type EventAction = Exclude<AppendAction, { type: 'post' }>;
type Effect = (event: BatchMessage) => void;
type Decision = Effect | 'unchanged' | { readonly refused: ErrorName };

/** In `mention`: everybody. */
const EVERYBODY = 0n;

/**
 * Decides a batch message by message, in its order, by core's rules and the rows that were read under the locks; changes
 * nothing but those rows in memory, which `BatchRows` then writes.
 */
export function decideBatch(rows: BatchRows, batch: readonly AppendRequest[]): AppendOutcome[] {
  return batch.map((request) => decide(rows, request));
}

function decide(rows: BatchRows, request: AppendRequest): AppendOutcome {
  const conversation = rows.conversation(request.conversationId);
  const member = conversation?.members.get(storedId(request.senderId));
  if (!conversation || !member) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
  const earlier = rows.earlier(conversation, member.userId, request.clientMsgId);
  if (earlier) return storedOutcome('repeated', earlier, conversation);
  if (member.leaveSeq > 0) return { outcome: 'refused', reason: 'NOT_A_MEMBER' };
  const { action } = request;
  if (action.type === 'post') {
    const refusal = refuseToPost(conversation, member, action, request.serverTimeMs);
    if (refusal) return { outcome: 'refused', reason: refusal };
    const message = rows.store(conversation, member, request, 1);
    mention(rows, message, action);
    return storedOutcome('stored', message, conversation);
  }
  const decision = decideEvent(rows, conversation, member, action, request);
  if (decision === 'unchanged') return { outcome: 'unchanged' };
  if (typeof decision === 'object') return { outcome: 'refused', reason: decision.refused };
  const message = rows.store(conversation, member, request, 0);
  decision(message);
  if (action.type === 'edit') mention(rows, message, action);
  return storedOutcome('stored', message, conversation);
}

function refuseToPost(
  conversation: BatchConversation,
  member: BatchMember,
  { replySeq, mentionAll }: Extract<AppendAction, { type: 'post' }>,
  nowMs: number,
): ErrorName | undefined {
  if (replySeq !== 0 && !(replySeq >= member.joinSeq && replySeq <= conversation.headSeq)) return 'TARGET_INVALID';
  return conversation.group && refusePost(member, conversation.group, { mentionAll, nowMs });
}

/** At the message just stored. Nobody mentions himself. */
function mention(
  rows: BatchRows,
  { conversationId, senderId, convSeq }: BatchMessage,
  { mentions, mentionAll }: { readonly mentions: readonly bigint[]; readonly mentionAll: boolean },
): void {
  for (const id of mentions) {
    const userId = storedId(id);
    if (userId !== senderId && userId !== EVERYBODY) rows.mentions.push({ conversationId, userId, convSeq, senderId });
  }
  if (mentionAll) rows.mentions.push({ conversationId, userId: EVERYBODY, convSeq, senderId });
}

function decideEvent(
  rows: BatchRows,
  conversation: BatchConversation,
  member: BatchMember,
  action: EventAction,
  { body, serverTimeMs }: AppendRequest,
): Decision {
  const target = targetOf(rows, conversation, member, action.targetSeq);
  const refusal = refuse(conversation, member, target && standing(target), action, serverTimeMs);
  if (refusal || !target) return { refused: refusal ?? 'TARGET_INVALID' };
  switch (action.type) {
    case 'edit': {
      const words = readBodies(body, target.body);
      return words ? edit(target, words) : { refused: 'MESSAGE_INVALID' };
    }
    case 'recall':
      return recall(target, member.userId);
    case 'reaction':
      return react(target, action, member.userId);
  }
}

/** What somebody may refer to: nothing from before he came, and nothing that is not there. */
function targetOf(
  rows: BatchRows,
  conversation: BatchConversation,
  member: BatchMember,
  targetSeq: number,
): BatchMessage | undefined {
  if (!(targetSeq >= member.joinSeq && targetSeq >= 1 && targetSeq <= conversation.headSeq)) return undefined;
  if (!Number.isSafeInteger(targetSeq)) return undefined;
  const target = rows.message(conversation, targetSeq);
  if (target) return target;
  const { conversationId } = conversation;
  throw new StorageError('corrupt', `message ${targetSeq} of conversation ${conversationId} is not what was written`);
}

function standing({ kind, senderId, serverTimeMs, state }: BatchMessage): Target {
  return { isText: kind === MessageKind.text, senderId, serverTimeMs, recalled: state.recalledSeq > 0 };
}

function refuse(
  { group }: BatchConversation,
  member: BatchMember,
  target: Target | undefined,
  action: EventAction,
  nowMs: number,
): Refusal | undefined {
  switch (action.type) {
    case 'edit':
      return refuseEdit(member, group, target, { ...action, nowMs });
    case 'recall':
      return refuseRecall(member, group, target, action);
    case 'reaction':
      return refuseReaction(member, group, target, { nowMs });
  }
}

function edit(target: BatchMessage, words: { edit: EditBody; text: TextBody }): Effect {
  return (event) => {
    target.original ??= target.body;
    const { text, mentions, mentionAll } = words.edit;
    target.body = textBody.encode({ ...words.text, text, mentions, mentionAll });
    target.edits.push(event);
    note(target, event);
    target.state.editedSeq = event.convSeq;
  };
}

/** The words go everywhere they are: in the message, in its edits, in what was kept of it. */
function recall(target: BatchMessage, userId: bigint): Effect {
  return (event) => {
    for (const one of target.edits) {
      one.body = editBody.encode({ targetSeq: target.convSeq, text: '', mentions: [], mentionAll: false });
    }
    target.body = new Uint8Array(0);
    target.original = undefined;
    target.forgotten = true;
    target.reactions.clear();
    target.tallies.clear();
    note(target, event);
    target.state.recalledSeq = event.convSeq;
    target.state.recalledBy = userId;
  };
}

function react(
  target: BatchMessage,
  { emoji, removed }: { readonly emoji: string; readonly removed: boolean },
  userId: bigint,
): Decision {
  const reaction = target.reaction(userId, emoji);
  if (reaction.seq > 0 !== removed) return 'unchanged';
  const tally = target.tallies.get(emoji);
  if (!removed && !tally && target.tallies.size >= MAX_EMOJIS_A_MESSAGE) return { refused: 'MESSAGE_INVALID' };
  return (event) => {
    if (removed) {
      reaction.seq = 0;
      if (tally) tally.count -= 1;
      if (tally?.count === 0) target.tallies.delete(emoji);
    } else {
      reaction.seq = event.convSeq;
      if (tally) tally.count += 1;
      else target.tallies.set(emoji, { firstSeq: event.convSeq, count: 1 });
    }
    note(target, event);
    target.state.reactionsSeq = event.convSeq;
  };
}

function note(target: BatchMessage, event: BatchMessage): void {
  target.events.push(event.convSeq);
}

/** Undefined: one of them is not what its kind says. */
function readBodies(edited: Uint8Array, target: Uint8Array): { edit: EditBody; text: TextBody } | undefined {
  try {
    return { edit: editBody.decode(edited), text: textBody.decode(target) };
  } catch (error) {
    if (error instanceof RemoteProtocolError) return undefined;
    throw error;
  }
}
