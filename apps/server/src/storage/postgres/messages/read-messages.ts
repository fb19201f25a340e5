import { type Message, type MessageMarks, REACTION_USERS_NAMED } from '@fastim/protocol';
import type { Logger } from 'pino';
import type { HistoryQuery } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';
import type { Queries } from '../connection/queries.ts';
import { storedId, storedNumber } from '../connection/stored-values.ts';
import { isChangedSince, type MessageState, ReadAsOf } from './read-as-of.ts';
import { MESSAGE_COLUMNS, type MessageRow, StoredMessages } from './stored-message.ts';

/** Bound of one answer, whatever is asked for. */
const MOST_ROWS = 1_000;

/** Who reads: what was done after somebody left does not show. `leaveSeq` 0: a member. */
export interface Viewer {
  readonly userId: bigint;
  readonly leaveSeq: number;
}

/** Of the message `m`, with its state `s`, for the user in `viewer`. */
const MARKS = (viewer: string) => `s.edited_seq, s.recalled_seq, s.recalled_by, s.reactions_seq,
  CASE WHEN s.reactions_seq > 0 AND s.recalled_seq = 0 THEN (
    SELECT json_agg(json_build_array(t.emoji, t.count,
             EXISTS (SELECT FROM reaction r WHERE r.conversation_id = t.conversation_id AND r.conv_seq = t.conv_seq
                       AND r.user_id = ${viewer} AND r.emoji = t.emoji),
             ARRAY(SELECT r.user_id::text FROM reaction r WHERE r.conversation_id = t.conversation_id
                     AND r.conv_seq = t.conv_seq AND r.emoji = t.emoji
                   ORDER BY r.event_seq LIMIT ${REACTION_USERS_NAMED}))
             ORDER BY t.first_seq)
    FROM reaction_tally t WHERE t.conversation_id = m.conversation_id AND t.conv_seq = m.conv_seq
  ) END`;

type MarkColumns = readonly [
  editedSeq: bigint | null,
  recalledSeq: bigint,
  recalledBy: bigint,
  reactionsSeq: bigint,
  reactions: ReadonlyArray<readonly [emoji: string, count: number, mine: boolean, userIds: string[]]> | null,
];

/** $1 conversation, $2 from, $3 to, $4 limit, $5 newest first, $6 viewer. conv_seq has no hole: the range is known before it is read. */
const HISTORY = `
  WITH head AS (
    SELECT c.head_seq, coalesce((SELECT leave_seq FROM member WHERE conversation_id = $1::bigint AND user_id = $6::bigint), 0)
             AS leave_seq, greatest(1, $2::bigint) AS low, least(c.head_seq, $3::bigint) AS high
    FROM conversation c WHERE c.conversation_id = $1::bigint
  ), range AS MATERIALIZED (
    SELECT leave_seq,
           CASE WHEN $5::boolean THEN greatest(low, high - $4::bigint + 1) ELSE low END AS low,
           CASE WHEN $5::boolean THEN high ELSE least(high, low + $4::bigint - 1) END AS high
    FROM head
  )
  SELECT ${MESSAGE_COLUMNS}, ${MARKS('$6::bigint')}, range.low, range.high, range.leave_seq
  FROM range
  LEFT JOIN message m ON m.conversation_id = $1::bigint AND m.conv_seq BETWEEN range.low AND range.high
  LEFT JOIN message_state s ON s.conversation_id = m.conversation_id AND s.conv_seq = m.conv_seq
  ORDER BY m.conv_seq`;

const PREVIEWS = `
  SELECT ${MESSAGE_COLUMNS}, ${MARKS('$3::bigint')}, m.conversation_id
  FROM unnest($1::bigint[], $2::bigint[]) AS asked (conversation_id, conv_seq)
  JOIN message m USING (conversation_id, conv_seq)
  LEFT JOIN message_state s ON s.conversation_id = m.conversation_id AND s.conv_seq = m.conv_seq`;

type HistoryRow = readonly [...MessageRow, ...MarkColumns, low: bigint, high: bigint, leaveSeq: bigint];
type PreviewRow = readonly [...MessageRow, ...MarkColumns, conversationId: bigint];

/** Binary search in the one statement; `missing`: a message that is not there. */
const SEQ_AT = `
  WITH RECURSIVE search (low, high, missing) AS (
    SELECT 1::bigint, head_seq + 1, NULL::bigint FROM conversation WHERE conversation_id = $1::bigint
    UNION ALL
    SELECT CASE WHEN step.time_ms >= $2::bigint THEN low ELSE middle + 1 END,
           CASE WHEN step.time_ms >= $2::bigint THEN middle ELSE high END,
           CASE WHEN step.time_ms IS NULL THEN middle END
    FROM (
      SELECT low, high, (low + high) / 2 AS middle,
             (SELECT server_time_ms FROM message
              WHERE conversation_id = $1::bigint AND conv_seq = (low + high) / 2) AS time_ms
      FROM search WHERE low < high AND missing IS NULL
    ) AS step
  )
  SELECT low, missing FROM search WHERE low >= high OR missing IS NOT NULL LIMIT 1`;

/**
 * Reads stored messages and compares each with its checksum. A message that is not what was written is never given out,
 * nor is a range with a message missing: it is logged, and the read fails with StorageError('corrupt').
 */
export class ReadMessages {
  readonly #queries: Queries;
  readonly #logger: Logger;
  readonly #stored = new StoredMessages();
  readonly #asOf: ReadAsOf;

  constructor(queries: Queries, logger: Logger) {
    this.#queries = queries;
    this.#logger = logger;
    this.#asOf = new ReadAsOf(queries, this.#stored);
  }

  /** One statement, so messages and marks are of one moment. */
  async history({ conversationId, fromSeq, toSeq, limit, newestFirst, viewerId }: HistoryQuery): Promise<Message[]> {
    const most = Number.isNaN(limit) ? 0 : Math.max(0, Math.min(Math.floor(limit), MOST_ROWS));
    const [id, viewer] = [storedId(conversationId), storedId(viewerId)];
    const from = storedNumber(Math.ceil(fromSeq));
    const values = [id, from, storedNumber(Math.floor(toSeq)), most, newestFirst, viewer];
    const rows = await this.#queries.arrays<HistoryRow>(HISTORY, values);
    const [first] = rows;
    if (!first) return [];
    const [low, high, leaveSeq] = first.slice(14).map(Number) as [number, number, number];
    if (low > high) return [];
    const messages: Message[] = [];
    for (const row of rows) {
      const message = row[0] === null ? undefined : this.#stored.read(id, row as unknown as MessageRow);
      if (message?.convSeq !== low + messages.length) throw this.#damaged(id, low + messages.length);
      messages.push(message);
    }
    if (low + messages.length !== high + 1) throw this.#damaged(id, low + messages.length);
    await this.#present(messages, rows, { userId: viewer, leaveSeq });
    return messages;
  }

  /**
   * The newest messages that are shown, for previews, by conversation. One that is damaged is logged and left out: one bad
   * row must not keep a user from the whole list.
   */
  async previews(
    asked: ReadonlyArray<{ readonly conversationId: bigint; readonly convSeq: number; readonly leaveSeq: number }>,
    userId: bigint,
  ): Promise<Map<bigint, Message>> {
    const shown = asked.filter(({ convSeq }) => convSeq > 0);
    const found = new Map<bigint, Message>();
    if (shown.length === 0) return found;
    const ids = shown.map(({ conversationId }) => conversationId);
    const seqs = shown.map(({ convSeq }) => convSeq);
    const rows = await this.#queries.arrays<PreviewRow>(PREVIEWS, [ids, seqs, userId]);
    const rowOf = new Map(rows.map((row) => [row[14], row]));
    for (const { conversationId, convSeq, leaveSeq } of shown) {
      const row = rowOf.get(conversationId);
      const message = row && this.#stored.read(conversationId, row as unknown as MessageRow);
      if (!row || !message) {
        this.#damaged(conversationId, convSeq);
        continue;
      }
      const messages = [message];
      await this.#present(messages, [row], { userId, leaveSeq });
      found.set(conversationId, messages[0]!);
    }
    return found;
  }

  /** The times of a conversation nearly always rise with conv_seq; where they do not, a neighbour is found. */
  async seqAt(conversationId: bigint, timeMs: number): Promise<number> {
    const id = storedId(conversationId);
    const values = [id, storedNumber(Math.ceil(timeMs))];
    const [found] = await this.#queries.arrays<readonly [bigint, bigint | null]>(SEQ_AT, values);
    if (!found) return 1;
    const [low, missing] = found;
    if (missing !== null) throw this.#damaged(id, Number(missing));
    return Number(low);
  }

  /** As they are now; for who left, as they were then. In place. */
  async #present(
    messages: Message[],
    rows: ReadonlyArray<readonly [...MessageRow, ...MarkColumns, ...unknown[]]>,
    { userId, leaveSeq }: Viewer,
  ): Promise<void> {
    for (const [index, row] of rows.entries()) {
      const [edited, recalledSeq, recalledBy, reactionsSeq, reactions] = row.slice(9) as unknown as MarkColumns;
      if (edited === null) continue;
      const state: MessageState = {
        editedSeq: Number(edited),
        recalledSeq: Number(recalledSeq),
        recalledBy,
        reactionsSeq: Number(reactionsSeq),
      };
      const message = messages[index]!;
      if (isChangedSince(state, leaveSeq)) {
        const then = await this.#asOf.read(message, state, userId, leaveSeq);
        if (!then) throw this.#damaged(message.conversationId, message.convSeq);
        messages[index] = then;
      } else message.marks = { ...state, reactions: reactionsOf(reactions) };
    }
  }

  #damaged(conversationId: bigint, convSeq: number): StorageError {
    this.#logger.error({ conversationId: String(conversationId), convSeq }, 'stored message is damaged');
    return new StorageError('corrupt', `message ${convSeq} of conversation ${conversationId} is not what was written`);
  }
}

function reactionsOf(reactions: MarkColumns[4]): MessageMarks['reactions'] {
  return (reactions ?? []).map(([emoji, count, mine, userIds]) => ({
    emoji,
    count,
    mine,
    userIds: userIds.map(BigInt),
  }));
}
