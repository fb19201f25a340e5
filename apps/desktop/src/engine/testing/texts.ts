import { type Message, textBody } from '@fastim/protocol';

/** What was written, in the order of conv_seq. */
export function textsOf(messages: readonly Message[]): string[] {
  return messages.map(({ body }) => textBody.decode(body).text);
}
