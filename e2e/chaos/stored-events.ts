import { Command, historyRequest, historyResponse, MAX_HISTORY_PAGE } from '@fastim/protocol';
import { WireClient } from '../bench/wire-client.ts';
import { logInOnWire } from '../cluster/wire-person.ts';
import type { StoredEvents } from './history.ts';

/** Asks the server itself, page by page, for every event of these conversations. */
export async function readStored(
  serverUrl: string,
  user: { readonly username: string; readonly password: string },
  conversations: ReadonlyArray<{ readonly index: number; readonly conversationId: string }>,
): Promise<StoredEvents[]> {
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  const client = await WireClient.connect(await logInOnWire(serverUrl, user.username, user.password), {
    failed: broken.reject,
  });
  try {
    const all: StoredEvents[] = [];
    for (const { index, conversationId } of conversations) {
      const seqs: number[] = [];
      const keys: string[] = [];
      for (let more = true; more; ) {
        const request = {
          conversationId: BigInt(conversationId),
          fromSeq: (seqs.at(-1) ?? 0) + 1,
          toSeq: 2 ** 31,
          limit: MAX_HISTORY_PAGE,
          newestFirst: false,
        };
        const asked = client.ask(Command.history, historyRequest, request, historyResponse);
        const { messages, headSeq } = await Promise.race([asked, broken.promise]);
        for (const { convSeq, senderId, clientMsgId } of messages) {
          seqs.push(convSeq);
          keys.push(`${senderId}:${Buffer.from(clientMsgId).toString('hex')}`);
        }
        more = messages.length > 0 && (seqs.at(-1) ?? 0) < headSeq;
      }
      all.push({ conversation: index, seqs, keys });
    }
    return all;
  } finally {
    client.close();
  }
}
