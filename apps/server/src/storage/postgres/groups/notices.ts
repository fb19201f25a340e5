import { type Message, MessageKind, type NoticeBody, noticeBody } from '@fastim/protocol';
import type { GroupOutcome } from '../../group-store.ts';
import { StorageError } from '../../storage.ts';
import type { Queries } from '../connection/queries.ts';
import { MESSAGE_COLUMNS, type MessageRow, StoredMessages } from '../messages/stored-message.ts';
import type { LockedGroup } from './group-rows.ts';

/** A conv_seq is a uint32 on the wire. */
const MOST_MESSAGES = 2 ** 32 - 1;

/** Who a notice is by, and under which id. */
export interface Author {
  readonly senderId: bigint;
  readonly clientMsgId: Uint8Array;
  readonly msgId: bigint;
  readonly nowMs: number;
}

const findEarlier = `
  SELECT ${MESSAGE_COLUMNS} FROM message m
  WHERE m.conversation_id = $1 AND m.sender_id = $2 AND m.client_msg_id = $3`;

/** What was stored for the same actor and id before. */
export async function earlierNotice(
  queries: Queries,
  conversationId: bigint,
  senderId: bigint,
  clientMsgId: Uint8Array,
): Promise<Message | undefined> {
  const [row] = await queries.arrays<MessageRow>(findEarlier, [conversationId, senderId, clientMsgId]);
  if (!row) return undefined;
  const notice = new StoredMessages().read(conversationId, row);
  if (!notice) throw new StorageError('corrupt', 'a notice is not what was written');
  return notice;
}

/** The answer to a change that was made before. */
export function repeated({ conversationId, removalsSeq }: LockedGroup, notice: Message): GroupOutcome {
  if (notice.kind !== MessageKind.notice) return { outcome: 'refused', reason: 'ID_REUSED' };
  return {
    outcome: 'repeated',
    conversationId,
    notice,
    added: [],
    removed: [],
    userIds: noticeBody.decode(notice.body).userIds,
    // Too high makes a gate ask once more, too low would let it give something to who is out.
    removalsSeq: Math.min(removalsSeq, notice.convSeq),
  };
}

const addMessage = `
  INSERT INTO message (conversation_id, conv_seq, msg_id, sender_id, client_msg_id, kind, server_time_ms, count_no,
                       checksum, body)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`;
const setHead = `
  UPDATE conversation SET head_seq = $2, last_shown_seq = $2, removals_seq = $3,
         last_activity_ms = greatest(last_activity_ms, $4)
  WHERE conversation_id = $1`;
const setOwn = 'UPDATE member SET own_seq = $3, own_count_no = $4 WHERE conversation_id = $1 AND user_id = $2';

/** Stores the one notice of a change that is made, under the conversation's lock. It takes the next conv_seq. */
export async function tell(
  queries: Queries,
  group: Pick<LockedGroup, 'conversationId' | 'headSeq' | 'headCountNo' | 'removalsSeq'>,
  { senderId, clientMsgId, msgId, nowMs }: Author,
  notice: NoticeBody,
  { added, removed }: { readonly added: readonly bigint[]; readonly removed: readonly bigint[] },
): Promise<GroupOutcome> {
  const { conversationId, headCountNo } = group;
  const convSeq = group.headSeq + 1;
  if (convSeq > MOST_MESSAGES) throw new StorageError('other', `conversation ${conversationId} is full`);
  const removalsSeq = removed.length > 0 ? convSeq : group.removalsSeq;
  const message: Message = {
    msgId,
    conversationId,
    convSeq,
    senderId,
    clientMsgId: new Uint8Array(clientMsgId),
    kind: MessageKind.notice,
    body: new Uint8Array(noticeBody.encode(notice)),
    serverTimeMs: nowMs,
    countNo: headCountNo,
  };
  const { kind, body } = message;
  const checksum = new StoredMessages().checksum(message);
  await Promise.all([
    queries.run(addMessage, [
      conversationId,
      convSeq,
      msgId,
      senderId,
      message.clientMsgId,
      kind,
      nowMs,
      headCountNo,
      checksum,
      body,
    ]),
    queries.run(setHead, [conversationId, convSeq, removalsSeq, nowMs]),
    queries.run(setOwn, [conversationId, senderId, convSeq, headCountNo]),
  ]);
  return {
    outcome: 'stored',
    conversationId,
    notice: message,
    added,
    removed,
    userIds: notice.userIds,
    removalsSeq,
  };
}
