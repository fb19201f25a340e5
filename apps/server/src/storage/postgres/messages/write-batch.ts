import { bigintArray, bytesArray, integerArray } from '../connection/binary-arrays.ts';
import type { Queries, Value } from '../connection/queries.ts';
import type { BatchMessage, BatchRows } from './batch-rows.ts';
import type { StoredMessages } from './stored-message.ts';

const INSERT = `INSERT INTO message (conversation_id, conv_seq, msg_id, sender_id, kind, server_time_ms, count_no,
    checksum, client_msg_id, body)
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                       $7::bigint[], $8::bigint[], $9::bytea[], $10::bytea[])`;
const HEADS = `UPDATE conversation c SET head_seq = n.head_seq, head_count_no = n.head_count_no,
    last_shown_seq = n.last_shown_seq, last_activity_ms = n.last_activity_ms
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS n (conversation_id, head_seq, head_count_no, last_shown_seq, last_activity_ms)
  WHERE c.conversation_id = n.conversation_id`;
const OWN = `UPDATE member m SET own_seq = n.own_seq, own_count_no = n.own_count_no
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS n (conversation_id, user_id, own_seq, own_count_no)
  WHERE m.conversation_id = n.conversation_id AND m.user_id = n.user_id`;
const MENTIONS = `INSERT INTO mention (conversation_id, user_id, conv_seq, sender_id)
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) ON CONFLICT DO NOTHING`;
const REWRITE = `UPDATE message m SET body = n.body, checksum = n.checksum
  FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bigint[]) AS n (conversation_id, conv_seq, body, checksum)
  WHERE m.conversation_id = n.conversation_id AND m.conv_seq = n.conv_seq`;
const ORIGINALS = `INSERT INTO message_original (conversation_id, conv_seq, body)
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) ON CONFLICT DO NOTHING`;
const STATES = `INSERT INTO message_state (conversation_id, conv_seq, edited_seq, recalled_seq, recalled_by, reactions_seq)
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
  ON CONFLICT (conversation_id, conv_seq) DO UPDATE SET edited_seq = excluded.edited_seq,
    recalled_seq = excluded.recalled_seq, recalled_by = excluded.recalled_by, reactions_seq = excluded.reactions_seq`;
const EVENTS = `INSERT INTO message_event (conversation_id, target_seq, event_seq)
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])`;
const FORGET = ['reaction', 'reaction_tally', 'message_original'].map(
  (table) => `DELETE FROM ${table} t USING unnest($1::bigint[], $2::bigint[]) AS gone (conversation_id, conv_seq)
    WHERE t.conversation_id = gone.conversation_id AND t.conv_seq = gone.conv_seq`,
);
const DROP_REACTIONS = `DELETE FROM reaction t
  USING unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) AS gone (conversation_id, conv_seq, user_id, emoji)
  WHERE t.conversation_id = gone.conversation_id AND t.conv_seq = gone.conv_seq AND t.user_id = gone.user_id
    AND t.emoji = gone.emoji`;
const ADD_REACTIONS = `INSERT INTO reaction (conversation_id, conv_seq, emoji, event_seq, user_id)
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[])`;
const DROP_TALLIES = `DELETE FROM reaction_tally t
  USING unnest($1::bigint[], $2::bigint[], $3::text[]) AS gone (conversation_id, conv_seq, emoji)
  WHERE t.conversation_id = gone.conversation_id AND t.conv_seq = gone.conv_seq AND t.emoji = gone.emoji`;
const SET_TALLIES = `INSERT INTO reaction_tally (conversation_id, conv_seq, emoji, first_seq, count)
  SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[])
  ON CONFLICT (conversation_id, conv_seq, emoji) DO UPDATE SET first_seq = excluded.first_seq, count = excluded.count`;

/** Writes what the decisions made of the rows: in one packet, whatever the batch holds. */
export async function writeBatch(queries: Queries, stored: StoredMessages, rows: BatchRows): Promise<void> {
  if (rows.created.length === 0) return;
  const under: Promise<number>[] = [];
  const write = <Item>(sql: string, items: readonly Item[], values: (items: readonly Item[]) => Value[]): void => {
    if (items.length > 0) under.push(queries.run(sql, values(items)));
  };
  write(INSERT, rows.created, (items) => messageValues(stored, items));
  const touched = new Set(rows.created.map(({ conversationId }) => conversationId));
  write(
    HEADS,
    [...rows.conversations.values()].filter(({ conversationId }) => touched.has(conversationId)),
    (items) => [
      bigintArray(items.length, (at) => items[at]!.conversationId),
      integerArray(items.length, (at) => items[at]!.headSeq),
      integerArray(items.length, (at) => items[at]!.headCountNo),
      integerArray(items.length, (at) => items[at]!.lastShownSeq),
      integerArray(items.length, (at) => items[at]!.lastActivityMs),
    ],
  );
  const lastOwn = new Map(rows.created.map((message) => [`${message.conversationId} ${message.senderId}`, message]));
  write(OWN, [...lastOwn.values()], (items) => [
    bigintArray(items.length, (at) => items[at]!.conversationId),
    bigintArray(items.length, (at) => items[at]!.senderId),
    integerArray(items.length, (at) => items[at]!.convSeq),
    integerArray(items.length, (at) => items[at]!.countNo),
  ]);
  write(MENTIONS, rows.mentions, (items) => [
    bigintArray(items.length, (at) => items[at]!.conversationId),
    bigintArray(items.length, (at) => items[at]!.userId),
    integerArray(items.length, (at) => items[at]!.convSeq),
    bigintArray(items.length, (at) => items[at]!.senderId),
  ]);
  const messages = [...rows.messages];
  write(
    REWRITE,
    messages.filter(({ isRewritten }) => isRewritten),
    (items) => [
      ...placeValues(items),
      bytesArray(items.length, (at) => items[at]!.body),
      integerArray(items.length, (at) => stored.checksum(items[at]!)),
    ],
  );
  const targets = messages.filter(({ events }) => events.length > 0);
  writeTargets(targets, write);
  await Promise.all(under);
}

type Write = <Item>(sql: string, items: readonly Item[], values: (items: readonly Item[]) => Value[]) => void;

/** What lies beside the messages that met an event in this batch. What goes, goes first. */
function writeTargets(targets: readonly BatchMessage[], write: Write): void {
  const forgotten = targets.filter((target) => target.forgotten);
  for (const sql of FORGET) write(sql, forgotten, placeValues);
  const withOriginal = targets.filter(({ original }) => original !== undefined);
  write(ORIGINALS, withOriginal, (items) => [
    ...placeValues(items),
    bytesArray(items.length, (at) => items[at]!.original!),
  ]);
  write(STATES, targets, (items) => [
    ...placeValues(items),
    integerArray(items.length, (at) => items[at]!.state.editedSeq),
    integerArray(items.length, (at) => items[at]!.state.recalledSeq),
    bigintArray(items.length, (at) => items[at]!.state.recalledBy),
    integerArray(items.length, (at) => items[at]!.state.reactionsSeq),
  ]);
  const events = targets.flatMap((target) => target.events.map((eventSeq) => ({ target, eventSeq })));
  write(EVENTS, events, (items) => [
    ...placeValues(items.map(({ target }) => target)),
    integerArray(items.length, (at) => items[at]!.eventSeq),
  ]);
  const living = targets.filter((target) => !target.forgotten);
  const reactions = living.flatMap((target) =>
    [...target.reactions.values()].map((reaction) => ({ target, reaction })),
  );
  const isUntouched = (seq: number) => seq === Number.MAX_SAFE_INTEGER;
  const dropped = reactions.filter(({ reaction }) => reaction.before && !isUntouched(reaction.seq));
  write(DROP_REACTIONS, dropped, (items) => [
    ...placeValues(items.map(({ target }) => target)),
    bigintArray(items.length, (at) => items[at]!.reaction.userId),
    items.map(({ reaction }) => reaction.emoji),
  ]);
  const added = reactions.filter(({ reaction }) => reaction.seq > 0 && !isUntouched(reaction.seq));
  write(ADD_REACTIONS, added, (items) => [
    ...placeValues(items.map(({ target }) => target)),
    items.map(({ reaction }) => reaction.emoji),
    integerArray(items.length, (at) => items[at]!.reaction.seq),
    bigintArray(items.length, (at) => items[at]!.reaction.userId),
  ]);
  writeTallies(living, write);
}

/** Of every emoji that this batch added or took away. */
function writeTallies(targets: readonly BatchMessage[], write: Write): void {
  const emojis = targets.flatMap((target) =>
    [...new Set([...target.reactions.values()].map(({ emoji }) => emoji))].map((emoji) => ({ target, emoji })),
  );
  const gone = emojis.filter(({ target, emoji }) => !target.tallies.has(emoji));
  write(DROP_TALLIES, gone, (items) => [
    ...placeValues(items.map(({ target }) => target)),
    items.map(({ emoji }) => emoji),
  ]);
  const there = emojis.flatMap(({ target, emoji }) => {
    const tally = target.tallies.get(emoji);
    return tally ? [{ target, emoji, tally }] : [];
  });
  write(SET_TALLIES, there, (items) => [
    ...placeValues(items.map(({ target }) => target)),
    items.map(({ emoji }) => emoji),
    integerArray(items.length, (at) => items[at]!.tally.firstSeq),
    integerArray(items.length, (at) => items[at]!.tally.count),
  ]);
}

function placeValues(items: ReadonlyArray<{ readonly conversationId: bigint; readonly convSeq: number }>): Value[] {
  return [
    bigintArray(items.length, (at) => items[at]!.conversationId),
    integerArray(items.length, (at) => items[at]!.convSeq),
  ];
}

function messageValues(stored: StoredMessages, items: readonly BatchMessage[]): Value[] {
  return [
    ...placeValues(items),
    bigintArray(items.length, (at) => items[at]!.msgId),
    bigintArray(items.length, (at) => items[at]!.senderId),
    integerArray(items.length, (at) => items[at]!.kind),
    integerArray(items.length, (at) => items[at]!.serverTimeMs),
    integerArray(items.length, (at) => items[at]!.countNo),
    integerArray(items.length, (at) => stored.checksum(items[at]!)),
    bytesArray(items.length, (at) => items[at]!.clientMsgId),
    bytesArray(items.length, (at) => items[at]!.body),
  ];
}
