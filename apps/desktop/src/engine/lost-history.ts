import {
  Command,
  type ConversationState,
  historyRequest,
  historyResponse,
  MAX_HISTORY_PAGE,
  type Message,
} from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import type { ConnectionLink } from './connection-link.ts';
import { type CommonPlace, retoldRow, rewoundRow } from './conversation-rows.ts';
import { asFastimError } from './errors.ts';
import type { EngineLimits } from './limits.ts';
import { isEventContent } from './message-content.ts';
import type { Logger } from './ports.ts';
import type { OutboxRow, OutgoingContent, Store, StoredMessage } from './store.ts';
import { storedMessage } from './wire-values.ts';

/** Conversations that the server does not know at all are passed over, up to so many. */
const MAX_UNKNOWN = 20;
/** Local messages read at a time. */
const READ_AT_ONCE = 1_000;

/** What this device knew of its conversations before the server was heard. */
export interface KnownConversation {
  /** The newest message that is shown. */
  readonly last: StoredMessage | null;
  /** The highest conv_seq of which anything is stored. */
  readonly top: number;
}

export type Known = Map<string, KnownConversation>;

/**
 * A server that was restored from a backup has lost its newest messages, and gives their conv_seqs to others: what this
 * device has stored would hide those for ever.
 *
 * The login says so by the epoch of the history. Then each conversation is compared from its end backwards; what the
 * server does not have is removed here, and of that my own messages go out again, under the same client_msg_id. So with
 * the devices of both sides what was lost comes back, once, with new places.
 */
export class LostHistory {
  readonly #state: AccountState;
  readonly #store: Store;
  readonly #logger: Logger;
  readonly #limits: EngineLimits;
  readonly #rewound: (conversationId: string, outgoing: readonly OutboxRow[]) => void;

  constructor(parts: {
    state: AccountState;
    store: Store;
    logger: Logger;
    limits: EngineLimits;
    /** The tail went back on disk; these messages of mine are in the outbox again. */
    rewound: (conversationId: string, outgoing: readonly OutboxRow[]) => void;
  }) {
    this.#state = parts.state;
    this.#store = parts.store;
    this.#logger = parts.logger;
    this.#limits = parts.limits;
    this.#rewound = parts.rewound;
  }

  /** Before anything of this connection is stored. */
  known(): Known {
    const known: Known = new Map();
    for (const { conversationId, lastMessage, ranges, tailSeq } of this.#state.conversations()) {
      known.set(conversationId, { last: lastMessage, top: Math.max(tailSeq, ranges.at(-1)?.to ?? 0) });
    }
    return known;
  }

  /** Whether the server lacks the newest of them: a backup is one moment of the whole server. Rejects when it cannot be asked. */
  async isLost(link: ConnectionLink, known: Known): Promise<boolean> {
    const newestFirst = [...known.values()]
      .flatMap(({ last }) => last ?? [])
      .sort((a, b) => (BigInt(a.msgId) < BigInt(b.msgId) ? 1 : -1));
    for (const { conversationId, convSeq, msgId } of newestFirst.slice(0, MAX_UNKNOWN)) {
      try {
        const there = await this.#ask(link, conversationId, convSeq, convSeq);
        return there.get(convSeq)?.msgId !== msgId;
      } catch (error) {
        // Gone as a whole: it says nothing about the others.
        if (!['NOT_A_MEMBER', 'NOT_FOUND'].includes(asFastimError(error).reason)) throw error;
      }
    }
    return false;
  }

  /** Brings what is stored here of these conversations in line with the server, and takes them out of `known`. */
  async repair(link: ConnectionLink, known: Known, states: readonly ConversationState[]): Promise<void> {
    for (const state of states) {
      const conversationId = state.conversationId.toString();
      const before = known.get(conversationId);
      if (before) await this.#repairOne(link, conversationId, before.top, state);
      known.delete(conversationId);
    }
  }

  async #repairOne(link: ConnectionLink, conversationId: string, top: number, state: ConversationState): Promise<void> {
    const query = { conversationId, fromSeq: 1, toSeq: top, limit: 1, newestFirst: true };
    const [newest] = await this.#store.messages(this.#state.generation, query);
    const common = newest
      ? await this.#lastInCommon(link, newest, state)
      : { convSeq: Math.min(top, state.headSeq), countNo: 0 };
    if (common.convSeq < (newest?.convSeq ?? top)) {
      await this.#rewind(state, conversationId, common);
      return;
    }
    // Nothing is lost here, but what was told of cursors and settings may be.
    await this.#state.change((edit) => {
      const row = edit.conversation(conversationId);
      if (row) edit.put(retoldRow(row, state));
    });
    this.#rewound(conversationId, []);
  }

  /** The highest conv_seq at which both have the same message: before it nothing differs. */
  async #lastInCommon(
    link: ConnectionLink,
    last: StoredMessage,
    { headSeq, joinSeq, lastMessage }: ConversationState,
  ): Promise<CommonPlace> {
    if (lastMessage?.msgId.toString() === last.msgId) return last;
    const { conversationId } = last;
    let to = Math.min(last.convSeq, headSeq);
    while (to >= Math.max(1, joinSeq)) {
      const from = Math.max(1, joinSeq, to - MAX_HISTORY_PAGE + 1);
      let compared = from;
      const here = await this.#read(conversationId, from, to);
      if (here.length > 0) {
        const theirs = await this.#ask(link, conversationId, from, to);
        const same = here.findLast(({ convSeq, msgId }) => theirs.get(convSeq)?.msgId === msgId);
        if (same) return same;
        // The server leaves out the oldest where they are large.
        if (theirs.size > 0) compared = Math.min(...theirs.keys());
      }
      to = compared - 1;
    }
    return { convSeq: Math.max(0, to), countNo: 0 };
  }

  async #rewind(state: ConversationState, conversationId: string, common: CommonPlace): Promise<void> {
    const lost: StoredMessage[] = [];
    for (let page = await this.#read(conversationId, common.convSeq + 1); page.length > 0; ) {
      lost.push(...page);
      page = await this.#read(conversationId, page.at(-1)!.convSeq + 1);
    }
    const mine = lost.filter(({ senderId }) => senderId === this.#state.userId);
    const outgoing = await this.#state.change((edit) => {
      const row = edit.conversation(conversationId);
      if (!row) return [];
      edit.put(rewoundRow(row, state, common));
      edit.cutMessages({ conversationId, fromSeq: common.convSeq + 1, keys: lost.map(({ key }) => key) });
      return mine.flatMap((message) => {
        const content = sentAgain(message, common.convSeq);
        if (!content) return [];
        const { key, serverTimeMs } = message;
        const again = { key, conversationId, number: this.#state.nextOutboxNumber(), content, createdMs: serverTimeMs };
        const row: OutboxRow = { ...again, failure: null, refusedSinceMs: null };
        edit.putOutbox(row);
        return [row];
      });
    });
    this.#logger.warn(
      { conversationId, common: common.convSeq, lost: lost.length, sentAgain: outgoing.length },
      'the server has lost messages: this device went back to what both have',
    );
    this.#rewound(conversationId, outgoing);
  }

  #read(conversationId: string, fromSeq: number, toSeq = Number.MAX_SAFE_INTEGER): Promise<StoredMessage[]> {
    const query = { conversationId, fromSeq, toSeq, limit: READ_AT_ONCE, newestFirst: false };
    return this.#store.messages(this.#state.generation, query);
  }

  /** What the server has there, by conv_seq. */
  async #ask(
    link: ConnectionLink,
    conversationId: string,
    fromSeq: number,
    toSeq: number,
  ): Promise<Map<number, StoredMessage>> {
    const limit = toSeq - fromSeq + 1;
    const answer = await link.request(
      Command.history,
      historyRequest,
      { conversationId: BigInt(conversationId), fromSeq, toSeq, limit, newestFirst: true },
      historyResponse,
      this.#limits.requestTimeoutMs,
    );
    return new Map(answer.messages.map((message: Message) => [message.convSeq, storedMessage(message)]));
  }
}

/** What goes out again of a lost message of mine: as it is now, and only what still has something to refer to. */
function sentAgain({ content, marks }: StoredMessage, commonSeq: number): OutgoingContent | undefined {
  if (isEventContent(content)) return content.targetSeq <= commonSeq ? content : undefined;
  if (content.type !== 'text' || marks.recalledSeq > 0) return undefined;
  return content.replySeq > commonSeq ? { ...content, replySeq: 0 } : content;
}
