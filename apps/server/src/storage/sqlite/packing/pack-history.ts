import type { Message, MessageMarks } from '@fastim/protocol';
import type { PackedHistory } from '../worker/operations.ts';
import { packMessages, unpackMessages } from './message-record.ts';

/** The records in one buffer that is handed over; marks, which few messages have, beside it. */
export function packHistory(messages: readonly Message[]): PackedHistory {
  const marks: (readonly [number, MessageMarks])[] = [];
  messages.forEach((message, index) => {
    if (message.marks) marks.push([index, message.marks]);
  });
  return { records: packMessages(messages), marks };
}

export function unpackHistory({ records, marks }: PackedHistory): Message[] {
  const messages = unpackMessages(records);
  for (const [index, of] of marks) messages[index]!.marks = of;
  return messages;
}
