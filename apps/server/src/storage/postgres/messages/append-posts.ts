import { ConversationKind, type ErrorName } from '@fastim/protocol';
import type { AppendAction, AppendOutcome, AppendRequest, NodeNumber } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';
import { bigintArray, bytesArray, integerArray } from '../connection/binary-arrays.ts';
import type { Queries } from '../connection/queries.ts';
import { storedId } from '../connection/stored-values.ts';
import { kindOf, type OutcomeConversation, storedOutcome } from './append-outcome.ts';
import type { MessageChecksum } from './message-checksum.ts';

export type PostAction = Extract<AppendAction, { type: 'post' }>;

/** A batch in which everything is a post. */
export type Posts = ReadonlyArray<AppendRequest & { readonly action: PostAction }>;

const APPEND_POSTS = `SELECT o_undecided, o_code, o_seq::float8[], o_count::float8[], o_msg, o_time::float8[],
  o_conversation, o_kind, o_removals::float8[], o_low, o_high
  FROM fastim_append_posts_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`;

type Row = readonly [
  undecided: boolean,
  codes: number[],
  seqs: number[],
  counts: number[],
  earlierIds: bigint[],
  earlierTimes: number[],
  conversationIds: bigint[],
  kinds: number[],
  removals: number[],
  lowUserIds: bigint[],
  highUserIds: bigint[],
];

const STORED = 0;
const REPEATED = 1;
const REFUSALS: readonly (ErrorName | undefined)[] = [
  undefined,
  undefined,
  'NOT_A_MEMBER',
  'TARGET_INVALID',
  'MUTED',
  'NOT_ALLOWED',
];

export function isPosts(batch: readonly AppendRequest[]): batch is Posts {
  return batch.every(({ action }) => action.type === 'post');
}

/**
 * Stores the batch by the one statement that decides in the database (migrations/0002). Undefined: this batch has to be
 * decided message by message; nothing was done.
 */
export async function appendPosts(
  queries: Queries,
  checksums: MessageChecksum,
  batch: Posts,
  numbers: readonly NodeNumber[],
): Promise<AppendOutcome[] | undefined> {
  const { length } = batch;
  const mentions = mentionsOf(batch);
  const [row] = await queries.arrays<Row>(APPEND_POSTS, [
    integerArray(numbers.length, (index) => numbers[index]!.number),
    bigintArray(numbers.length, (index) => numbers[index]!.fence),
    bigintArray(length, (index) => storedId(batch[index]!.conversationId)),
    bigintArray(length, (index) => storedId(batch[index]!.senderId)),
    bytesArray(length, (index) => batch[index]!.clientMsgId),
    bigintArray(length, (index) => storedId(batch[index]!.msgId)),
    integerArray(length, (index) => batch[index]!.kind),
    integerArray(length, (index) => batch[index]!.serverTimeMs),
    integerArray(length, (index) => checksums.unnumbered(batch[index]!)),
    bytesArray(length, (index) => batch[index]!.body),
    integerArray(length, (index) => seqFrom(batch[index]!.action.replySeq)),
    integerArray(length, (index) => Number(batch[index]!.action.mentionAll)),
    integerArray(length, (index) => mentions.from[index]!),
    integerArray(length, (index) => batch[index]!.action.mentions.length),
    bigintArray(mentions.userIds.length, (index) => mentions.userIds[index]!),
    batch.some(({ action }) => action.replySeq !== 0),
  ]);
  if (!row) throw new StorageError('other', 'the database said nothing about a batch');
  return row[0] ? undefined : outcomesOf(batch, row);
}

/** Of all requests in one row, one after the other; the first has place 1. */
function mentionsOf(batch: Posts): { from: number[]; userIds: bigint[] } {
  const from: number[] = [];
  const userIds: bigint[] = [];
  for (const { action } of batch) {
    from.push(userIds.length + 1);
    for (const userId of action.mentions) userIds.push(storedId(userId));
  }
  return { from, userIds };
}

/** What is no place of a message becomes one that no message has. */
export function seqFrom(seq: number): number {
  return Number.isSafeInteger(seq) ? seq : -1;
}

function outcomesOf(batch: Posts, row: Row): AppendOutcome[] {
  const [, codes, seqs, counts, earlierIds, earlierTimes] = row;
  const conversations = conversationsOf(row);
  const outcomes: AppendOutcome[] = [];
  let earlier = 0;
  for (let index = 0; index < batch.length; index += 1) {
    const { conversationId, msgId, serverTimeMs } = batch[index]!;
    const [code, convSeq, countNo] = [codes[index]!, seqs[index]!, counts[index]!];
    if (code > REPEATED) {
      outcomes.push({ outcome: 'refused', reason: REFUSALS[code]! });
      continue;
    }
    if (convSeq < 0) {
      // Of the message at that place in this batch, from 1.
      outcomes.push({ ...outcomes[-convSeq - 1]!, outcome: 'repeated' } as AppendOutcome);
      continue;
    }
    const conversation = conversations.get(storedId(conversationId))!;
    if (code === STORED) {
      outcomes.push(storedOutcome('stored', { msgId, convSeq, countNo, serverTimeMs }, conversation));
    } else {
      const first = { msgId: earlierIds[earlier]!, convSeq, countNo, serverTimeMs: earlierTimes[earlier]! };
      outcomes.push(storedOutcome('repeated', first, conversation));
    }
    if (code === REPEATED) earlier += 1;
  }
  return outcomes;
}

function conversationsOf(row: Row): Map<bigint, OutcomeConversation> {
  const [, , , , , , conversationIds, kinds, removals, lowUserIds, highUserIds] = row;
  return new Map(
    conversationIds.map((conversationId, index) => {
      const [low, high] = [lowUserIds[index]!, highUserIds[index]!];
      const isDirect = kinds[index] === ConversationKind.direct;
      const pair = low === high ? [low] : [low, high];
      return [
        conversationId,
        { kind: kindOf(kinds[index]!), memberIds: isDirect ? pair : [], removalsSeq: removals[index]! },
      ];
    }),
  );
}
