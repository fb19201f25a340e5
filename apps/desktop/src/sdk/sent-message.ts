import { type ErrorName, errorCatalogue, FastimError } from '@fastim/protocol';
import type { ClientApi } from '../engine/client-api.ts';
import type { MessageView } from '../engine/views.ts';

/**
 * Sends and waits until the server has stored the message. Rejects with what the server refused it for, with
 * UNAVAILABLE when `closed` says that nothing will come any more, or with the reason of `signal`; in the last two cases the
 * message is on disk here and goes out when it can.
 */
export function sendAndWait(
  client: ClientApi,
  params: Parameters<ClientApi['sendMessage']>[0],
  ends: { signal?: AbortSignal | undefined; closed: AbortSignal },
): Promise<MessageView> {
  return new Promise<MessageView>((resolve, reject) => {
    const { conversationId } = params;
    const seen = new Map<string, MessageView>();
    let key: string | undefined;
    const leave = () => {
      stop();
      ends.closed.removeEventListener('abort', onClosed);
      ends.signal?.removeEventListener('abort', onSignal);
    };
    const fail = (error: unknown) => {
      leave();
      reject(error);
    };
    const look = (message: MessageView | undefined) => {
      if (!message) return;
      if (message.convSeq !== null) {
        leave();
        resolve(message);
      } else if (message.status === 'failed') {
        fail(new FastimError(errorName(message.failure)));
      }
    };
    const stop = client.on('messages', (event) => {
      if (event.conversationId !== conversationId) return;
      for (const message of event.changed) {
        if (!message.mine) continue;
        if (key === undefined) seen.set(message.key, message);
        else if (message.key === key) look(message);
      }
    });
    const onClosed = () => fail(new FastimError('UNAVAILABLE', 'the client was closed'));
    const onSignal = () => fail(ends.signal?.reason);
    ends.closed.addEventListener('abort', onClosed);
    ends.signal?.addEventListener('abort', onSignal);
    if (ends.closed.aborted) onClosed();
    else if (ends.signal?.aborted) onSignal();
    else {
      client.sendMessage(params).then((message) => {
        key = message.key;
        look(seen.get(key) ?? message);
      }, fail);
    }
  });
}

function errorName(failure: string | null): ErrorName {
  return failure !== null && Object.hasOwn(errorCatalogue, failure) ? (failure as ErrorName) : 'INTERNAL';
}
