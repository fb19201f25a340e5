import { crc32 } from 'node:zlib';
import { CLIENT_MSG_ID_LENGTH } from '@fastim/protocol';
import { StorageError } from '../../storage.ts';

/** What a message is before the database has numbered it. */
export interface Unnumbered {
  readonly conversationId: bigint;
  readonly senderId: bigint;
  readonly msgId: bigint;
  readonly serverTimeMs: number;
  readonly kind: number;
  readonly clientMsgId: Uint8Array;
  readonly body: Uint8Array;
}

/** Odd, so that no two numbers give the same 32 bits; the same constants are in the function that appends. */
const SEQ_FACTOR = 506_952_113;
const COUNT_FACTOR = 99_338_871;

const HEADER_LENGTH = 56;

/**
 * The checksum column: CRC-32 over conversation_id i64 · sender_id i64 · msg_id i64 · server_time_ms f64 · kind u32 ·
 * body length u32 · client_msg_id 16 bytes · body, little-endian, made here; then mixed with conv_seq and count_no, which
 * only the database knows when it stores the message, and can mix in.
 */
export class MessageChecksum {
  #bytes = new Uint8Array(HEADER_LENGTH + 16 * 1024);
  #view = new DataView(this.#bytes.buffer);

  unnumbered(message: Unnumbered): number {
    const { body, clientMsgId } = message;
    if (clientMsgId.length !== CLIENT_MSG_ID_LENGTH) {
      throw new StorageError('other', `a client_msg_id has ${CLIENT_MSG_ID_LENGTH} bytes, not ${clientMsgId.length}`);
    }
    const length = HEADER_LENGTH + body.length;
    if (this.#bytes.length < length) {
      this.#bytes = new Uint8Array(length);
      this.#view = new DataView(this.#bytes.buffer);
    }
    const [bytes, view] = [this.#bytes, this.#view];
    view.setBigInt64(0, message.conversationId, true);
    view.setBigInt64(8, message.senderId, true);
    view.setBigInt64(16, message.msgId, true);
    view.setFloat64(24, message.serverTimeMs, true);
    view.setUint32(32, message.kind, true);
    view.setUint32(36, body.length, true);
    bytes.set(clientMsgId, 40);
    bytes.set(body, HEADER_LENGTH);
    return crc32(bytes.subarray(0, length));
  }

  of(message: Unnumbered & { readonly convSeq: number; readonly countNo: number }): number {
    return numbered(this.unnumbered(message), message.convSeq, message.countNo);
  }
}

/** What the function that appends does with the checksum it is given. */
export function numbered(checksum: number, convSeq: number, countNo: number): number {
  return (checksum ^ Math.imul(convSeq, SEQ_FACTOR) ^ Math.imul(countNo, COUNT_FACTOR)) >>> 0;
}
