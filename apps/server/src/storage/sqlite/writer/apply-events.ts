import { type Refusal, refuseEdit, refuseReaction, refuseRecall, type Target } from '@fastim/core';
import {
  type EditBody,
  type ErrorName,
  editBody,
  MAX_EMOJIS_A_MESSAGE,
  type Message,
  MessageKind,
  RemoteProtocolError,
  type TextBody,
  textBody,
} from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import type { AppendAction } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';
import { MESSAGE_COLUMNS, type MessageRow, StoredMessages, seqOfPlace } from '../reader/stored-message.ts';
import type { CachedConversation, CachedMember } from './conversation-cache.ts';

type EventAction = Exclude<AppendAction, { type: 'post' }>;

/** Done after the event itself is stored, with its conv_seq, in the same transaction. */
type Effect = (eventSeq: number) => void;

/**
 * What edits, recalls and reactions do to the message they name, inside the caller's transaction. `decide` reads and says
 * what is to happen; nothing is written before the effect it returns is called.
 */
export class ApplyEvents {
  readonly #stored = new StoredMessages();
  readonly #message: Statement<[bigint]>;
  readonly #recalled: Statement<[bigint]>;
  readonly #rewrite: Statement<[Uint8Array, number, bigint]>;
  readonly #blank: Statement<[bigint]>;
  readonly #blankOriginal: Statement<[bigint]>;
  readonly #editEvents: Statement<[bigint]>;
  readonly #noteEvent: Statement<[bigint, bigint]>;
  readonly #noteState: Statement<[bigint, number, number, bigint, number]>;
  readonly #keepOriginal: Statement<[bigint, Uint8Array]>;
  readonly #reaction: Statement<[bigint, bigint, string]>;
  readonly #tally: Statement<[bigint, string]>;
  readonly #emojis: Statement<[bigint]>;
  readonly #addReaction: Statement<[bigint, string, number, bigint]>;
  readonly #removeReaction: Statement<[bigint, bigint, string]>;
  readonly #countUp: Statement<[bigint, string, number]>;
  readonly #countDown: Statement<[bigint, string]>;
  readonly #dropTally: Statement<[bigint, string]>;
  readonly #forget: readonly Statement<[bigint]>[];

  constructor(database: Database) {
    const select = `SELECT ${MESSAGE_COLUMNS} FROM message`;
    this.#message = database.prepare<[bigint]>(`${select} WHERE place = ?`).raw().safeIntegers();
    this.#recalled = database.prepare<[bigint]>('SELECT recalled_seq FROM message_state WHERE place = ?').pluck();
    this.#rewrite = database.prepare('UPDATE message SET body = ?, checksum = ? WHERE place = ?');
    // Of the same length, so that the words are written over wherever they lie, before they are let go.
    const blank = (table: string) =>
      database.prepare<[bigint]>(`UPDATE ${table} SET body = zeroblob(length(body)) WHERE place = ?`);
    this.#blank = blank('message');
    this.#blankOriginal = blank('message_original');
    this.#editEvents = database
      .prepare<[bigint]>(
        `${select} WHERE place IN (SELECT event_place FROM message_event WHERE target_place = ?)
           AND kind = ${MessageKind.edit}`,
      )
      .raw()
      .safeIntegers();
    this.#noteEvent = database.prepare('INSERT INTO message_event (target_place, event_place) VALUES (?, ?)');
    this.#noteState = database.prepare(
      `INSERT INTO message_state (place, edited_seq, recalled_seq, recalled_by, reactions_seq) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (place) DO UPDATE SET
         edited_seq = max(edited_seq, excluded.edited_seq),
         recalled_seq = max(recalled_seq, excluded.recalled_seq),
         recalled_by = iif(excluded.recalled_seq > 0, excluded.recalled_by, recalled_by),
         reactions_seq = max(reactions_seq, excluded.reactions_seq)`,
    );
    this.#keepOriginal = database.prepare(
      'INSERT INTO message_original (place, body) VALUES (?, ?) ON CONFLICT DO NOTHING',
    );
    this.#reaction = database
      .prepare<[bigint, bigint, string]>('SELECT 1 FROM reaction WHERE place = ? AND user_id = ? AND emoji = ?')
      .pluck();
    this.#tally = database
      .prepare<[bigint, string]>('SELECT count FROM reaction_tally WHERE place = ? AND emoji = ?')
      .pluck();
    this.#emojis = database.prepare<[bigint]>('SELECT count(*) FROM reaction_tally WHERE place = ?').pluck();
    this.#addReaction = database.prepare('INSERT INTO reaction (place, emoji, event_seq, user_id) VALUES (?, ?, ?, ?)');
    this.#removeReaction = database.prepare('DELETE FROM reaction WHERE place = ? AND user_id = ? AND emoji = ?');
    this.#countUp = database.prepare(
      `INSERT INTO reaction_tally (place, emoji, first_seq, count) VALUES (?, ?, ?, 1)
       ON CONFLICT (place, emoji) DO UPDATE SET count = count + 1`,
    );
    this.#countDown = database.prepare('UPDATE reaction_tally SET count = count - 1 WHERE place = ? AND emoji = ?');
    this.#dropTally = database.prepare('DELETE FROM reaction_tally WHERE place = ? AND emoji = ? AND count = 0');
    this.#forget = ['reaction', 'reaction_tally', 'message_original'].map((table) =>
      database.prepare(`DELETE FROM ${table} WHERE place = ?`),
    );
  }

  /** `body` is the event's own. */
  decide(
    entry: CachedConversation,
    member: CachedMember,
    action: EventAction,
    body: Uint8Array,
    nowMs: number,
  ): Effect | 'unchanged' | { refused: ErrorName } {
    const place = entry.placeBase + BigInt(Number.isSafeInteger(action.targetSeq) ? action.targetSeq : 0);
    const message = this.#targetOf(entry, member, place, action.targetSeq);
    const refusal = refuse(entry, member, message && this.#standing(place, message), action, nowMs);
    if (refusal || !message) return { refused: refusal ?? 'TARGET_INVALID' };
    switch (action.type) {
      case 'edit': {
        const words = readBodies(body, message.body);
        return words ? this.#edit(place, message, words) : { refused: 'MESSAGE_INVALID' };
      }
      case 'recall':
        return this.#recall(place, message, member.userId);
      case 'reaction':
        return this.#react(place, action, member.userId);
    }
  }

  /** What somebody may refer to: nothing from before he came, and nothing that is not there. */
  #targetOf(entry: CachedConversation, member: CachedMember, place: bigint, targetSeq: number): Message | undefined {
    if (!(targetSeq >= member.joinSeq && targetSeq >= 1 && targetSeq <= entry.headSeq)) return undefined;
    const row = this.#message.get(place) as MessageRow | undefined;
    const message = row && this.#stored.read(entry.conversationId, row);
    if (!message) {
      throw new StorageError(
        'corrupt',
        `message ${targetSeq} of conversation ${entry.conversationId} is not what was written`,
      );
    }
    return message;
  }

  #standing(place: bigint, { kind, senderId, serverTimeMs }: Message): Target {
    const recalled = Number(this.#recalled.get(place) ?? 0) > 0;
    return { isText: kind === MessageKind.text, senderId, serverTimeMs, recalled };
  }

  #edit(place: bigint, message: Message, { edit, text }: { edit: EditBody; text: TextBody }): Effect {
    const { text: words, mentions, mentionAll } = edit;
    return (eventSeq) => {
      this.#keepOriginal.run(place, message.body);
      this.#write(place, message, textBody.encode({ ...text, text: words, mentions, mentionAll }));
      this.#note(place, eventSeq, { edited: eventSeq });
    };
  }

  #recall(place: bigint, message: Message, userId: bigint): Effect {
    return (eventSeq) => {
      this.#blankOriginal.run(place);
      for (const row of this.#editEvents.all(place) as MessageRow[]) {
        const event = this.#stored.read(message.conversationId, row);
        if (!event) throw new StorageError('corrupt', `edit ${seqOfPlace(row[0])} is not what was written`);
        const empty = { targetSeq: message.convSeq, text: '', mentions: [], mentionAll: false };
        this.#write(row[0], event, editBody.encode(empty));
      }
      this.#write(place, message, new Uint8Array(0));
      for (const forget of this.#forget) forget.run(place);
      this.#note(place, eventSeq, { recalled: eventSeq, recalledBy: userId });
    };
  }

  #react(
    place: bigint,
    { emoji, removed }: { readonly emoji: string; readonly removed: boolean },
    userId: bigint,
  ): Effect | 'unchanged' | { refused: ErrorName } {
    const isThere = this.#reaction.get(place, userId, emoji) !== undefined;
    if (isThere !== removed) return 'unchanged';
    if (removed) {
      return (eventSeq) => {
        this.#removeReaction.run(place, userId, emoji);
        this.#countDown.run(place, emoji);
        this.#dropTally.run(place, emoji);
        this.#note(place, eventSeq, { reactions: eventSeq });
      };
    }
    const isNew = this.#tally.get(place, emoji) === undefined;
    if (isNew && Number(this.#emojis.get(place)) >= MAX_EMOJIS_A_MESSAGE) return { refused: 'MESSAGE_INVALID' };
    return (eventSeq) => {
      this.#addReaction.run(place, emoji, eventSeq, userId);
      this.#countUp.run(place, emoji, eventSeq);
      this.#note(place, eventSeq, { reactions: eventSeq });
    };
  }

  #write(place: bigint, message: Message, body: Uint8Array): void {
    this.#blank.run(place);
    this.#rewrite.run(body, this.#stored.checksum({ ...message, body }), place);
  }

  #note(
    place: bigint,
    eventSeq: number,
    what: { edited?: number; recalled?: number; recalledBy?: bigint; reactions?: number },
  ): void {
    this.#noteEvent.run(place, (place & ~0xffff_ffffn) + BigInt(eventSeq));
    this.#noteState.run(place, what.edited ?? 0, what.recalled ?? 0, what.recalledBy ?? 0n, what.reactions ?? 0);
  }
}

function refuse(
  entry: CachedConversation,
  member: CachedMember,
  target: Target | undefined,
  action: EventAction,
  nowMs: number,
): Refusal | undefined {
  switch (action.type) {
    case 'edit':
      return refuseEdit(member, entry.group, target, { ...action, nowMs });
    case 'recall':
      return refuseRecall(member, entry.group, target, action);
    case 'reaction':
      return refuseReaction(member, entry.group, target, { nowMs });
  }
}

/** Undefined: one of them is not what its kind says. */
function readBodies(edit: Uint8Array, target: Uint8Array): { edit: EditBody; text: TextBody } | undefined {
  try {
    return { edit: editBody.decode(edit), text: textBody.decode(target) };
  } catch (error) {
    if (error instanceof RemoteProtocolError) return undefined;
    throw error;
  }
}
