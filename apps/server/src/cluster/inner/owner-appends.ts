import type { AppendOutcome, AppendRequest } from '../../storage/message-store.ts';
import { rendezvous } from '../rendezvous.ts';
import { AppendTogether } from './append-together.ts';
import { type OwnerAppends, type OwnerAppendsParts, PeerUnavailable } from './contract.ts';
import type { LinkContext } from './link-context.ts';

const DEFAULT_TIMEOUT_MS = 1_000;
/** A node that was slow, or said no, is not asked again for so long: what is slow does not get better by doing it twice. */
const PASSED_BY_MS = 5_000;

/** Those of a batch that belong to one node, and where they were in it. */
interface Part {
  readonly requests: AppendRequest[];
  readonly places: number[];
}

/**
 * Appends through the owner of each conversation (rendezvous hash over the live logic nodes), so that those of one
 * conversation meet in one transaction and not at its row lock. Speed only: the store decides, whoever appends. What
 * belongs to another node goes there in one packet; when that node is gone, says no or takes longer than a second, this
 * one appends it too. Each conversation's messages stay in the order of the batch, in one transaction.
 *
 * A message that the owner stored although it looked lost comes back as a repeat; as it was stored by this very request,
 * it is told as stored, and so is fanned out.
 */
export function ownerAppends(context: LinkContext, parts: OwnerAppendsParts): OwnerAppends {
  return new RoutedAppends(context, parts);
}

class RoutedAppends implements OwnerAppends {
  readonly #context: LinkContext;
  readonly #parts: OwnerAppendsParts;
  readonly #together: AppendTogether;
  readonly #passedByUntil = new Map<string, number>();

  constructor(context: LinkContext, parts: OwnerAppendsParts) {
    this.#context = context;
    this.#parts = parts;
    this.#together = new AppendTogether(parts.messages, parts.batchLimit);
  }

  async append(batch: readonly AppendRequest[]): Promise<AppendOutcome[]> {
    const { nodeId } = this.#context.self;
    const split = this.#split(batch);
    if (split.size === 0) return [];
    const own = split.get(nodeId);
    if (own && split.size === 1) return this.#together.append(batch);
    const outcomes = new Array<AppendOutcome>(batch.length);
    const place = (part: Part, found: readonly AppendOutcome[]): void => {
      for (let index = 0; index < found.length; index += 1) outcomes[part.places[index]!] = found[index]!;
    };
    // All of them have ended when this one ends, also when one fails: nothing of a batch is under way after its answer.
    const ends = await Promise.allSettled(
      [...split].map(async ([owner, part]) => {
        place(part, owner === nodeId ? await this.#together.append(part.requests) : await this.#forward(owner, part));
      }),
    );
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return outcomes;
  }

  appendHere(batch: readonly AppendRequest[]): Promise<AppendOutcome[]> {
    return this.#together.append(batch);
  }

  history(...query: Parameters<OwnerAppends['history']>): ReturnType<OwnerAppends['history']> {
    return this.#parts.messages.history(...query);
  }

  seqAt(...query: Parameters<OwnerAppends['seqAt']>): ReturnType<OwnerAppends['seqAt']> {
    return this.#parts.messages.seqAt(...query);
  }

  stop(): Promise<void> {
    return this.#together.stop();
  }

  #split(batch: readonly AppendRequest[]): Map<string, Part> {
    const { self } = this.#context;
    const nodes = this.#nodes();
    const owners = new Map<bigint, string>();
    const split = new Map<string, Part>();
    for (let index = 0; index < batch.length; index += 1) {
      const request = batch[index]!;
      let owner = owners.get(request.conversationId);
      if (owner === undefined) {
        owner = this.#reachable(rendezvous(String(request.conversationId), nodes) ?? self.nodeId);
        owners.set(request.conversationId, owner);
      }
      let part = split.get(owner);
      if (!part) {
        part = { requests: [], places: [] };
        split.set(owner, part);
      }
      part.requests.push(request);
      part.places.push(index);
    }
    return split;
  }

  /** Live logic nodes: those that are listed and those that are linked, as the registry may have been flushed. */
  #nodes(): Set<string> {
    const { self, directory } = this.#context;
    const nodes = new Set([self.nodeId, ...this.#parts.peers.linked]);
    for (const node of directory.nodes()) if (node.role === 'logic') nodes.add(node.nodeId);
    return nodes;
  }

  #reachable(owner: string): string {
    const { self, clock, metrics } = this.#context;
    if (owner === self.nodeId || !this.#mayForward()) return self.nodeId;
    const until = this.#passedByUntil.get(owner);
    if (until !== undefined && clock.now() < until && until - clock.now() <= PASSED_BY_MS) {
      metrics.forward('passed_by');
      return self.nodeId;
    }
    this.#passedByUntil.delete(owner);
    if (this.#parts.peers.linked.includes(owner)) return owner;
    metrics.forward('unlinked');
    return self.nodeId;
  }

  /** Ids of a node number that is not held are for the fence of this node's own storage to refuse. */
  #mayForward(): boolean {
    return this.#parts.issuer === undefined || this.#parts.issuer() !== undefined;
  }

  async #forward(owner: string, { requests }: Part): Promise<AppendOutcome[]> {
    const { clock, metrics, logger } = this.#context;
    try {
      const outcomes = await this.#parts.peers.append(owner, requests, {
        timeoutMs: this.#parts.timeoutMs ?? DEFAULT_TIMEOUT_MS,
        issuer: this.#parts.issuer?.(),
      });
      metrics.forward('forwarded');
      return outcomes;
    } catch (error) {
      if (!(error instanceof PeerUnavailable)) throw error;
      metrics.forward(error.reason);
      if (error.reason === 'late' || error.reason === 'refused') {
        this.#passedByUntil.set(owner, clock.now() + PASSED_BY_MS);
        logger.warn({ peer: owner, reason: error.message, messages: requests.length }, 'an owner is passed by');
      }
      const outcomes = await this.#together.append(requests);
      return error.unsure ? outcomes.map((outcome, index) => toldAsStored(outcome, requests[index]!)) : outcomes;
    }
  }
}

/** Under its own msg_id a message was stored by no other request than this. */
function toldAsStored(outcome: AppendOutcome, request: AppendRequest): AppendOutcome {
  if (outcome.outcome !== 'repeated' || outcome.msgId !== request.msgId) return outcome;
  return { ...outcome, outcome: 'stored' };
}
