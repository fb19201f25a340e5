import { type MessageMarks, REACTION_USERS_NAMED, type ReactionCount } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import { plannedOnce } from '../planned-once.ts';

/** A row of message_state. */
export interface MessageState {
  readonly place: bigint;
  readonly editedSeq: number;
  readonly recalledSeq: number;
  readonly recalledBy: bigint;
  readonly reactionsSeq: number;
}

/** What events made of messages, as of now. The cost is that of the messages that met any. */
export class ReadMarks {
  readonly #states: Statement<[bigint, bigint]>;
  readonly #tallies: Statement<[bigint]>;
  readonly #first: Statement<[bigint, string]>;
  readonly #mine: Statement<[bigint, bigint]>;

  constructor(database: Database) {
    this.#states = database
      .prepare<[bigint, bigint]>(
        `SELECT place, edited_seq, recalled_seq, recalled_by, reactions_seq FROM message_state
         WHERE place BETWEEN ? AND ?`,
      )
      .raw()
      .safeIntegers();
    this.#tallies = database
      .prepare<[bigint]>(plannedOnce('SELECT emoji, count FROM reaction_tally WHERE place = ? ORDER BY first_seq'))
      .raw();
    this.#first = database
      .prepare<[bigint, string]>(
        plannedOnce(
          `SELECT user_id FROM reaction WHERE place = ? AND emoji = ? ORDER BY event_seq LIMIT ${REACTION_USERS_NAMED}`,
        ),
      )
      .pluck()
      .safeIntegers();
    this.#mine = database
      .prepare<[bigint, bigint]>('SELECT emoji FROM reaction WHERE place = ? AND user_id = ?')
      .pluck();
  }

  /** Of the messages from one place to another that met an event. */
  states(from: bigint, to: bigint): MessageState[] {
    return (this.#states.all(from, to) as bigint[][]).map(([place = 0n, edited, recalled, by = 0n, reactions]) => ({
      place,
      editedSeq: Number(edited),
      recalledSeq: Number(recalled),
      recalledBy: by,
      reactionsSeq: Number(reactions),
    }));
  }

  marks(state: MessageState, viewerId: bigint): MessageMarks {
    const { place, editedSeq, recalledSeq, recalledBy, reactionsSeq } = state;
    const some = reactionsSeq > 0 && recalledSeq === 0;
    return {
      editedSeq,
      recalledSeq,
      recalledBy,
      reactionsSeq,
      reactions: some ? this.#reactions(place, viewerId) : [],
    };
  }

  #reactions(place: bigint, viewerId: bigint): ReactionCount[] {
    const mine = new Set(this.#mine.all(place, viewerId) as string[]);
    return (this.#tallies.all(place) as [string, number][]).map(([emoji, count]) => ({
      emoji,
      count,
      mine: mine.has(emoji),
      userIds: this.#first.all(place, emoji) as bigint[],
    }));
  }
}
