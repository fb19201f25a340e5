import { foldEvent, type Marks, noMarks } from '@fastim/core';
import {
  editBody,
  type Message,
  MessageKind,
  type MessageMarks,
  REACTION_USERS_NAMED,
  reactionBody,
  textBody,
} from '@fastim/protocol';
import type { Queries } from '../connection/queries.ts';
import { MESSAGE_COLUMNS, type MessageRow, type StoredMessages } from './stored-message.ts';

/** What events made of a message. */
export interface MessageState {
  readonly editedSeq: number;
  readonly recalledSeq: number;
  readonly recalledBy: bigint;
  readonly reactionsSeq: number;
}

const EVENTS = `SELECT ${MESSAGE_COLUMNS}
  FROM message_event e JOIN message m ON m.conversation_id = e.conversation_id AND m.conv_seq = e.event_seq
  WHERE e.conversation_id = $1 AND e.target_seq = $2 AND e.event_seq <= $3 ORDER BY e.event_seq`;
/** Also whether it has been recalled by now: then there are no words any more. */
const ORIGINAL = `SELECT o.body, s.recalled_seq, s.recalled_by
  FROM message_state s LEFT JOIN message_original o USING (conversation_id, conv_seq)
  WHERE s.conversation_id = $1 AND s.conv_seq = $2`;

/** Whether edits or reactions came after this viewer left. */
export function isChangedSince({ editedSeq, reactionsSeq }: MessageState, leaveSeq: number): boolean {
  return leaveSeq > 0 && (editedSeq > leaveSeq || reactionsSeq > leaveSeq);
}

/**
 * Messages as somebody who left saw them last: without the edits and reactions that came after. What was recalled since
 * is empty for everybody; its words are not there any more.
 */
export class ReadAsOf {
  readonly #queries: Queries;
  readonly #stored: StoredMessages;

  constructor(queries: Queries, stored: StoredMessages) {
    this.#queries = queries;
    this.#stored = stored;
  }

  /** Undefined: an event is not what was written. */
  async read(message: Message, state: MessageState, viewerId: bigint, lastSeq: number): Promise<Message | undefined> {
    if (state.recalledSeq > 0) return recalled(message, state);
    const { conversationId, convSeq: targetSeq } = message;
    const rows = await this.#queries.arrays<MessageRow>(EVENTS, [conversationId, targetSeq, lastSeq]);
    const [original] = await this.#queries.arrays<readonly [Uint8Array | null, bigint, bigint]>(ORIGINAL, [
      conversationId,
      targetSeq,
    ]);
    if (original && original[1] > 0n) {
      return recalled(message, { ...state, recalledSeq: Number(original[1]), recalledBy: original[2] });
    }
    let marks: Marks<bigint> = noMarks;
    let body = original?.[0] ? new Uint8Array(original[0]) : message.body;
    for (const row of rows) {
      const event = this.#stored.read(conversationId, row);
      if (!event) return undefined;
      const { convSeq, senderId } = event;
      if (event.kind === MessageKind.edit) {
        const { text, mentions, mentionAll } = editBody.decode(event.body);
        body = textBody.encode({ ...textBody.decode(body), text, mentions, mentionAll });
        marks = foldEvent(marks, { type: 'edit', convSeq, senderId }, viewerId, REACTION_USERS_NAMED);
      } else if (event.kind === MessageKind.reaction) {
        const { emoji, removed } = reactionBody.decode(event.body);
        const reaction = { type: 'reaction', convSeq, senderId, emoji, removed } as const;
        marks = foldEvent(marks, reaction, viewerId, REACTION_USERS_NAMED);
      }
    }
    const { marks: _, ...plain } = message;
    const folded = marksOf(marks);
    return folded ? { ...plain, body, marks: folded } : { ...plain, body };
  }
}

function recalled(message: Message, { recalledSeq, recalledBy }: MessageState): Message {
  const marks = { editedSeq: 0, recalledSeq, recalledBy, reactionsSeq: 0, reactions: [] };
  return { ...message, body: new Uint8Array(0), marks };
}

function marksOf({ editedSeq, recalledSeq, reactionsSeq, reactions }: Marks<bigint>): MessageMarks | undefined {
  if (editedSeq === 0 && recalledSeq === 0 && reactionsSeq === 0) return undefined;
  return {
    editedSeq,
    recalledSeq,
    recalledBy: 0n,
    reactionsSeq,
    reactions: reactions.map((one) => ({ ...one, userIds: [...one.userIds] })),
  };
}
