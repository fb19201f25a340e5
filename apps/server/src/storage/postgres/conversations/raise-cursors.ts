import type { ErrorName } from '@fastim/protocol';
import type { CursorRaise, RaiseOutcome } from '../../conversation-store.ts';
import { bigintArray, integerArray } from '../connection/binary-arrays.ts';
import type { Queries } from '../connection/queries.ts';
import { storedId, storedNumber } from '../connection/stored-values.ts';

const RAISE = `SELECT o_refused_at::float8[], o_refused_code, o_conversation, o_user, o_delivered::float8[],
    o_read::float8[], o_count::float8[], o_unmarked
  FROM fastim_raise_cursors_1($1, $2, $3, $4, $5, $6)`;

type Row = readonly [
  refusedAt: number[],
  refusedCodes: number[],
  conversationIds: bigint[],
  userIds: bigint[],
  delivered: number[],
  read: number[],
  counts: number[],
  unmarked: boolean[],
];

const REFUSALS: Readonly<Record<number, ErrorName>> = { 2: 'NOT_A_MEMBER', 3: 'CURSOR_INVALID' };

/** One statement, which locks, decides and writes; see migrations/0003. */
export async function raiseCursors(queries: Queries, batch: readonly CursorRaise[]): Promise<RaiseOutcome> {
  if (batch.length === 0) return { raised: [], unmarked: [], refused: [] };
  const { length } = batch;
  const [row] = await queries.arrays<Row>(RAISE, [
    bigintArray(length, (index) => storedId(batch[index]!.conversationId)),
    bigintArray(length, (index) => storedId(batch[index]!.userId)),
    batch.map(({ deviceId }) => deviceId.replaceAll('\u0000', '')),
    integerArray(length, (index) => cursorFrom(batch[index]!.deliveredSeq)),
    integerArray(length, (index) => cursorFrom(batch[index]!.readSeq)),
    bigintArray(length, (index) => storedNumber(batch[index]!.nowMs)),
  ]);
  const [refusedAt, codes, conversationIds, userIds, delivered, read, counts, unmarked] = row!;
  return {
    raised: conversationIds.map((conversationId, index) => ({
      conversationId,
      userId: userIds[index]!,
      deliveredSeq: delivered[index]!,
      readSeq: read[index]!,
      readCountNo: counts[index]!,
    })),
    unmarked: conversationIds.flatMap((conversationId, index) =>
      unmarked[index] ? [{ conversationId, userId: userIds[index]! }] : [],
    ),
    refused: refusedAt.map((place, index) => ({ move: batch[place - 1]!, reason: REFUSALS[codes[index]!]! })),
  };
}

/** What is no place of a message becomes one that no cursor can come to. */
function cursorFrom(seq: number): number {
  return Number.isSafeInteger(seq) ? seq : -1;
}
