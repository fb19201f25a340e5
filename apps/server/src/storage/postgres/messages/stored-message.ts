import { CLIENT_MSG_ID_LENGTH, type Message } from '@fastim/protocol';
import { MessageChecksum } from './message-checksum.ts';

/** Of `message AS m`, to be read as arrays. */
export const MESSAGE_COLUMNS =
  'm.conv_seq, m.msg_id, m.sender_id, m.client_msg_id, m.kind, m.server_time_ms, m.count_no, m.checksum, m.body';

export type MessageRow = readonly [
  convSeq: bigint,
  msgId: bigint,
  senderId: bigint,
  clientMsgId: Uint8Array,
  kind: bigint,
  serverTimeMs: bigint,
  countNo: bigint,
  checksum: bigint,
  body: Uint8Array,
];

/** Turns rows into messages, and compares each with its checksum on the way. */
export class StoredMessages {
  readonly #checksums = new MessageChecksum();

  /** Undefined: not what was written. */
  read(conversationId: bigint, row: MessageRow): Message | undefined {
    const [convSeq, msgId, senderId, clientMsgId, kind, serverTimeMs, countNo, checksum, body] = row;
    if (clientMsgId.length !== CLIENT_MSG_ID_LENGTH) return undefined;
    const message: Message = {
      msgId,
      conversationId,
      convSeq: Number(convSeq),
      senderId,
      clientMsgId: new Uint8Array(clientMsgId),
      kind: Number(kind),
      body: new Uint8Array(body),
      serverTimeMs: Number(serverTimeMs),
      countNo: Number(countNo),
    };
    return this.checksum(message) === Number(checksum) ? message : undefined;
  }

  /** What is stored beside the message. */
  checksum(message: Message): number {
    return this.#checksums.of(message);
  }
}
