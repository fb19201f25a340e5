import type { Message } from '@fastim/protocol';
import { CLIENT_MSG_ID_LENGTH, recordChecksum, recordLength, writeRecord } from '../packing/message-record.ts';

export const MESSAGE_COLUMNS =
  'place, msg_id, sender_id, client_msg_id, kind, server_time_ms, count_no, checksum, body';

/** A row of MESSAGE_COLUMNS, read raw with safe integers. */
export type MessageRow = [bigint, bigint, bigint, Uint8Array, bigint, bigint, bigint, bigint, Uint8Array];

export function seqOfPlace(place: bigint): number {
  return Number(place & 0xffff_ffffn);
}

/** Turns rows into messages, and compares each with its checksum on the way. */
export class StoredMessages {
  #scratch = new Uint8Array(recordLength(16 * 1024));
  #view = new DataView(this.#scratch.buffer);

  /** Undefined: not what was written. */
  read(conversationId: bigint, row: MessageRow): Message | undefined {
    const [place, msgId, senderId, clientMsgId, kind, serverTimeMs, countNo, checksum, body] = row;
    if (clientMsgId.length !== CLIENT_MSG_ID_LENGTH) return undefined;
    const message: Message = {
      msgId,
      conversationId,
      convSeq: seqOfPlace(place),
      senderId,
      // Copies of their own: a view of a shared buffer would be cloned whole on its way between the threads.
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
    const length = recordLength(message.body.length);
    if (this.#scratch.length < length) {
      this.#scratch = new Uint8Array(length);
      this.#view = new DataView(this.#scratch.buffer);
    }
    writeRecord(this.#view, this.#scratch, 0, message);
    return recordChecksum(this.#scratch, 0, length);
  }
}
