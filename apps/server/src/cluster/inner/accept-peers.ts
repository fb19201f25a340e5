import type { AppendOutcome, AppendRequest } from '../../storage/message-store.ts';
import { StorageError } from '../../storage/storage.ts';
import type { LinkAcceptor } from './inner-listener.ts';
import type { LinkContext } from './link-context.ts';
import { readAppend, writeAppended, writeRejected } from './wire/appends.ts';
import { PacketType } from './wire/packet-type.ts';

/**
 * A batch that lay about for longer is not stored any more: who sent it has stored it himself long ago, and may have
 * told a sender since that a message of it was refused.
 */
const TOO_OLD_MS = 3_000;

/** What a logic node's inner port does with the links of other logic nodes: appends what they ask for, and answers. */
export function acceptPeers(
  context: LinkContext,
  appends: { append(batch: readonly AppendRequest[]): Promise<AppendOutcome[]> },
): LinkAcceptor {
  return {
    kind: 'peer-in',
    from: 'logic',
    accept(link) {
      const reject = (requestId: number, unsure: boolean, message: string): void => {
        if (!link.open) return;
        writeRejected(link.writer, { requestId, unsure, message });
        link.sent();
      };
      return {
        take(type, from) {
          if (type !== PacketType.append) return false;
          const { requestId, sentAtMs, requests } = readAppend(from);
          if (link.ageOf(sentAtMs) > TOO_OLD_MS) {
            reject(requestId, false, 'it lay about for too long');
            return true;
          }
          appends
            .append(requests)
            .then(
              (outcomes) => {
                if (!link.open) return;
                writeAppended(link.writer, requestId, outcomes);
                link.sent();
              },
              (error: unknown) => {
                const unsure = !(error instanceof StorageError) || error.kind === 'io' || error.kind === 'other';
                reject(requestId, unsure, error instanceof Error ? `${error.name}: ${error.message}` : String(error));
              },
            )
            .catch(context.onError);
          return true;
        },
        down: () => undefined,
      };
    },
  };
}
