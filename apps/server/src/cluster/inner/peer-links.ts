import type { AppendOutcome, AppendRequest } from '../../storage/message-store.ts';
import { type ForwardOptions, type PeerLinks, PeerUnavailable } from './contract.ts';
import type { Link } from './link.ts';
import type { LinkContext } from './link-context.ts';
import { LinkDialer } from './link-dialer.ts';
import { appendLength, readAppended, readRejected, writeAppend } from './wire/appends.ts';
import type { PacketReader } from './wire/packet-reader.ts';
import { PacketType } from './wire/packet-type.ts';

/** The links of a logic node to the other logic nodes, over which it asks them; they ask over links of their own. */
export function createPeerLinks(context: LinkContext): PeerLinks {
  const peers = new Map<string, Peer>();
  const dialer = new LinkDialer(context, {
    kind: 'peer-out',
    role: 'logic',
    accept(link) {
      const peer = new Peer(context, link);
      peers.set(link.peer.nodeId, peer);
      return {
        take: (type, from) => peer.take(type, from),
        down() {
          peers.delete(link.peer.nodeId);
          peer.down();
        },
      };
    },
    changed: () => undefined,
  });
  return {
    start: () => dialer.start(),
    stop: () => dialer.stop(),
    get linked() {
      return [...peers.keys()];
    },
    append(nodeId, batch, options) {
      const peer = peers.get(nodeId);
      if (!peer) return Promise.reject(new PeerUnavailable('unlinked', `no link to ${nodeId}`));
      return peer.append(batch, options);
    },
  };
}

interface Asked {
  readonly count: number;
  readonly resolve: (outcomes: AppendOutcome[]) => void;
  readonly reject: (error: PeerUnavailable) => void;
  readonly cancel: () => void;
}

class Peer {
  readonly #context: LinkContext;
  readonly #link: Link;
  readonly #asked = new Map<number, Asked>();
  #nextId = 0;

  constructor(context: LinkContext, link: Link) {
    this.#context = context;
    this.#link = link;
  }

  append(requests: readonly AppendRequest[], { timeoutMs, issuer }: ForwardOptions): Promise<AppendOutcome[]> {
    const { clock } = this.#context;
    const { nodeId } = this.#link.peer;
    const length = appendLength(requests);
    if (length === undefined) {
      return Promise.reject(new PeerUnavailable('too_large', 'more than one packet holds'));
    }
    const requestId = this.#nextId;
    this.#nextId = (requestId + 1) >>> 0;
    return new Promise((resolve, reject) => {
      const cancel = clock.setTimer(timeoutMs, () => {
        this.#asked.delete(requestId);
        reject(new PeerUnavailable('late', `${nodeId} did not answer within ${timeoutMs} ms`));
      });
      this.#asked.set(requestId, { count: requests.length, resolve, reject, cancel });
      writeAppend(this.#link.writer, length, { requestId, sentAtMs: clock.now(), issuer, requests });
      this.#link.sent();
    });
  }

  take(type: number, from: PacketReader): boolean {
    if (type === PacketType.appended) {
      const { requestId, outcomes } = readAppended(from);
      const asked = this.#answered(requestId);
      if (!asked) return true;
      if (outcomes.length === asked.count) asked.resolve(outcomes);
      else asked.reject(new PeerUnavailable('refused', 'an answer to something else', true));
      return true;
    }
    if (type !== PacketType.rejected) return false;
    const { requestId, unsure, message } = readRejected(from);
    this.#answered(requestId)?.reject(new PeerUnavailable('refused', message, unsure));
    return true;
  }

  down(): void {
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const each of asked) {
      each.cancel();
      each.reject(new PeerUnavailable('lost', `the link to ${this.#link.peer.nodeId} broke`));
    }
  }

  /** Undefined: nobody waits for it any more. */
  #answered(requestId: number): Asked | undefined {
    const asked = this.#asked.get(requestId);
    this.#asked.delete(requestId);
    asked?.cancel();
    return asked;
  }
}
