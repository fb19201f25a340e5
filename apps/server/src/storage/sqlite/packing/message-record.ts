import { crc32 } from 'node:zlib';
import type { Message } from '@fastim/protocol';
import { StorageError } from '../../storage.ts';

/**
 * A message as one run of bytes, the same between the threads in both directions and under the checksum. Little-endian:
 *
 *   0 conversation_id i64 · 8 sender_id i64 · 16 msg_id i64 · 24 server_time_ms f64 · 32 conv_seq f64 ·
 *   40 count_no f64 · 48 kind u32 · 52 body length u32 · 56 client_msg_id 16 bytes · 72 body
 *
 * Counts and times are safe integers, which f64 keeps exactly. The layout is part of the stored format: the checksum
 * column is CRC-32 over it.
 */
export const RECORD_HEADER_LENGTH = 72;
export const CLIENT_MSG_ID_LENGTH = 16;

export const RecordOffset = {
  conversationId: 0,
  senderId: 8,
  msgId: 16,
  serverTimeMs: 24,
  convSeq: 32,
  countNo: 40,
  kind: 48,
  bodyLength: 52,
  clientMsgId: 56,
  body: 72,
} as const;

export function recordLength(bodyLength: number): number {
  return RECORD_HEADER_LENGTH + bodyLength;
}

/** `view` and `bytes` are over the same buffer. Returns the offset after the record. */
export function writeRecord(view: DataView, bytes: Uint8Array, offset: number, message: Message): number {
  const { body, clientMsgId } = message;
  if (clientMsgId.length !== CLIENT_MSG_ID_LENGTH) {
    throw new StorageError('other', `a client_msg_id has ${CLIENT_MSG_ID_LENGTH} bytes, not ${clientMsgId.length}`);
  }
  view.setBigInt64(offset, message.conversationId, true);
  view.setBigInt64(offset + 8, message.senderId, true);
  view.setBigInt64(offset + 16, message.msgId, true);
  view.setFloat64(offset + 24, message.serverTimeMs, true);
  view.setFloat64(offset + 32, message.convSeq, true);
  view.setFloat64(offset + 40, message.countNo, true);
  view.setUint32(offset + 48, message.kind, true);
  view.setUint32(offset + 52, body.length, true);
  bytes.set(clientMsgId, offset + RecordOffset.clientMsgId);
  bytes.set(body, offset + RecordOffset.body);
  return offset + RECORD_HEADER_LENGTH + body.length;
}

export function recordChecksum(bytes: Uint8Array, offset: number, length: number): number {
  return crc32(bytes.subarray(offset, offset + length));
}

/** Messages in one buffer of their own, to be handed over to the other thread. */
export function packMessages(messages: readonly Message[]): ArrayBuffer {
  let length = 0;
  for (const message of messages) length += recordLength(message.body.length);
  const buffer = new ArrayBuffer(length);
  const view = new DataView(buffer);
  const bytes = new Uint8Array(buffer);
  let offset = 0;
  for (const message of messages) offset = writeRecord(view, bytes, offset, message);
  return buffer;
}

/** The messages' bytes are views into `buffer`. */
export function unpackMessages(buffer: ArrayBuffer): Message[] {
  const view = new DataView(buffer);
  const messages: Message[] = [];
  let offset = 0;
  while (offset < buffer.byteLength) {
    const bodyLength = view.getUint32(offset + RecordOffset.bodyLength, true);
    messages.push({
      msgId: view.getBigInt64(offset + RecordOffset.msgId, true),
      conversationId: view.getBigInt64(offset + RecordOffset.conversationId, true),
      convSeq: view.getFloat64(offset + RecordOffset.convSeq, true),
      senderId: view.getBigInt64(offset + RecordOffset.senderId, true),
      clientMsgId: new Uint8Array(buffer, offset + RecordOffset.clientMsgId, CLIENT_MSG_ID_LENGTH),
      kind: view.getUint32(offset + RecordOffset.kind, true),
      body: new Uint8Array(buffer, offset + RecordOffset.body, bodyLength),
      serverTimeMs: view.getFloat64(offset + RecordOffset.serverTimeMs, true),
      countNo: view.getFloat64(offset + RecordOffset.countNo, true),
    });
    offset += RECORD_HEADER_LENGTH + bodyLength;
  }
  return messages;
}
