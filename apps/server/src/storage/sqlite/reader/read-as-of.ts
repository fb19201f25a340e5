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
import type { Database, Statement } from 'better-sqlite3';
import { plannedOnce } from '../planned-once.ts';
import type { MessageState } from './read-marks.ts';
import { MESSAGE_COLUMNS, type MessageRow, type StoredMessages } from './stored-message.ts';

/**
 * Messages as somebody who left saw them last: without the edits and reactions that came after. What was recalled since
 * is empty for everybody; its words are not there any more.
 */
export class ReadAsOf {
  readonly #stored: StoredMessages;
  readonly #events: Statement<[bigint, bigint]>;
  readonly #original: Statement<[bigint]>;

  constructor(database: Database, stored: StoredMessages) {
    this.#stored = stored;
    this.#events = database
      .prepare<[bigint, bigint]>(
        plannedOnce(`SELECT ${MESSAGE_COLUMNS} FROM message_event JOIN message ON message.place = event_place
         WHERE target_place = ? AND event_place <= ? ORDER BY event_place`),
      )
      .raw()
      .safeIntegers();
    this.#original = database.prepare<[bigint]>('SELECT body FROM message_original WHERE place = ?').pluck();
  }

  /** Undefined: an event is not what was written. */
  read(message: Message, state: MessageState, viewerId: bigint, lastSeq: number): Message | undefined {
    if (state.recalledSeq > 0) {
      const { recalledSeq, recalledBy } = state;
      return { ...message, marks: { editedSeq: 0, recalledSeq, recalledBy, reactionsSeq: 0, reactions: [] } };
    }
    const lastPlace = state.place - BigInt(message.convSeq) + BigInt(lastSeq);
    let marks: Marks<bigint> = noMarks;
    let body = this.#firstBody(message, state);
    for (const row of this.#events.all(state.place, lastPlace) as MessageRow[]) {
      const event = this.#stored.read(message.conversationId, row);
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

  #firstBody(message: Message, state: MessageState): Uint8Array {
    if (state.editedSeq === 0) return message.body;
    return new Uint8Array((this.#original.get(state.place) as Uint8Array | undefined) ?? message.body);
  }
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
