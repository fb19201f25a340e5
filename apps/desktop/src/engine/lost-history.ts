import {
  Command,
  type ConversationState,
  historyRequest,
  historyResponse,
  MAX_HISTORY_PAGE,
  type Message,
  MessageKind,
} from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import type { ConnectionLink } from './connection-link.ts';
import { type CommonPlace, rewoundRow } from './conversation-rows.ts';
import { asFastimError } from './errors.ts';
import type { EngineLimits } from './limits.ts';
import type { Logger } from './ports.ts';
import type { OutboxRow, Store, StoredMessage } from './store.ts';
import { storedMessage } from './wire-values.ts';

/** Conversations that the server does not know at all are passed over, up to so many. */
const MAX_UNKNOWN = 20;
/** Local messages read at a time. */
const READ_AT_ONCE = 1_000;

/** What this device knew of its conversations before the server was heard: the newest message of each. */
export type Known = Map<string, StoredMessage>;

/**
 * A server that was restored from a backup has lost its newest messages, and gives their conv_seqs to others: what this
 * device has stored would hide those for ever.
 *
 * Found by one question after each login: does the server still have the newest message that this device knows? A backup
 * is one moment of the whole server, so if it has that one it has all others. If not, each conversation is compared from
 * its end backwards; what the server does not have is removed here, and of that my own messages go out again, under the
 * same client_msg_id. So with the devices of both sides what was lost comes back, once, with new places.
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
    const known = new Map<string, StoredMessage>();
    for (const { conversationId, lastMessage } of this.#state.conversations()) {
      if (lastMessage) known.set(conversationId, lastMessage);
    }
    return known;
  }

  /** Whether the server lacks the newest of them. Rejects when it cannot be asked. */
  async isLost(link: ConnectionLink, known: Known): Promise<boolean> {
    const newestFirst = [...known.values()].sort((a, b) => (BigInt(a.msgId) < BigInt(b.msgId) ? 1 : -1));
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
      const last = known.get(conversationId);
      if (last && state.lastMessage?.msgId.toString() !== last.msgId) {
        const common = await this.#lastInCommon(link, last, state.headSeq);
        if (common.convSeq < last.convSeq) await this.#rewind(state, conversationId, common);
      }
      known.delete(conversationId);
    }
  }

  /** The highest conv_seq at which both have the same message: before it nothing differs. */
  async #lastInCommon(link: ConnectionLink, last: StoredMessage, serverHead: number): Promise<CommonPlace> {
    const { conversationId } = last;
    const lowest = this.#state.conversation(conversationId)?.ranges[0]?.from ?? last.convSeq;
    let to = Math.min(last.convSeq, serverHead);
    while (to >= lowest) {
      const from = Math.max(lowest, to - MAX_HISTORY_PAGE + 1);
      let compared = from;
      const here = (await this.#read(conversationId, from, to)).filter(({ convSeq }) => convSeq < last.convSeq);
      if (to === last.convSeq) here.push(last);
      if (here.length > 0) {
        const theirs = await this.#ask(link, conversationId, from, to);
        const same = here.findLast(({ convSeq, msgId }) => theirs.get(convSeq)?.msgId === msgId);
        if (same) return same;
        // The server leaves out the oldest where they are large.
        if (theirs.size > 0) compared = Math.min(...theirs.keys());
      }
      to = compared - 1;
    }
    return { convSeq: to, countNo: 0 };
  }

  async #rewind(state: ConversationState, conversationId: string, common: CommonPlace): Promise<void> {
    const lost: StoredMessage[] = [];
    for (let page = await this.#read(conversationId, common.convSeq + 1); page.length > 0; ) {
      lost.push(...page);
      page = await this.#read(conversationId, page.at(-1)!.convSeq + 1);
    }
    const mine = lost.filter(({ senderId, kind }) => senderId === this.#state.userId && kind === MessageKind.text);
    const outgoing = await this.#state.change((edit) => {
      const row = edit.conversation(conversationId);
      if (!row) return [];
      edit.put(rewoundRow(row, state, common));
      edit.cutMessages({ conversationId, fromSeq: common.convSeq + 1, keys: lost.map(({ key }) => key) });
      return mine.map(({ key, kind, text, serverTimeMs }) => {
        const number = this.#state.nextOutboxNumber();
        const again = { key, conversationId, number, kind, text, createdMs: serverTimeMs };
        const outgoing: OutboxRow = { ...again, failure: null, refusedSinceMs: null };
        edit.putOutbox(outgoing);
        return outgoing;
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
