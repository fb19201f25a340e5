import type { Clock } from '@fastim/core';
import {
  Command,
  type ConversationState,
  conversationsRequest,
  conversationsResponse,
  MAX_SYNC_PAGE,
} from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import { mergeState } from './conversation-rows.ts';
import { describe } from './errors.ts';
import type { Inbox } from './inbox.ts';
import type { LinkHolder } from './link-holder.ts';
import type { Names } from './names.ts';
import type { Logger } from './ports.ts';
import { settingsOf, withoutArchive } from './row-settings.ts';
import type { ServerClock } from './server-clock.ts';
import type { ConversationRow } from './store.ts';
import { storedMessage, userView } from './wire-values.ts';

/** Notices that come together lead to one question. */
const GATHER_MS = 100;
/** A state that is not there yet is asked for again after so long. */
const AGAIN_MS = 2_000;

/** What the server says of conversations: merged into the rows, and asked for when something says that it changed. */
export class States {
  readonly #state: AccountState;
  readonly #holder: LinkHolder;
  readonly #inbox: Inbox;
  readonly #names: Names;
  readonly #serverClock: ServerClock;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #merged: (rows: readonly ConversationRow[]) => void;
  readonly #stale = new Set<string>();
  #cancelTimer: (() => void) | undefined;

  constructor(parts: {
    state: AccountState;
    holder: LinkHolder;
    inbox: Inbox;
    names: Names;
    serverClock: ServerClock;
    clock: Clock;
    logger: Logger;
    /** These rows are as the server told just now. */
    merged: (rows: readonly ConversationRow[]) => void;
  }) {
    this.#state = parts.state;
    this.#holder = parts.holder;
    this.#inbox = parts.inbox;
    this.#names = parts.names;
    this.#serverClock = parts.serverClock;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#merged = parts.merged;
  }

  disconnected(): void {
    this.#stale.clear();
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  /** Resolves when it is on disk. */
  async merge(states: readonly ConversationState[]): Promise<void> {
    if (states.length === 0) return;
    const rows = await this.#state.change((edit) =>
      states.map((state) => {
        const id = state.conversationId.toString();
        const row = this.#mergeOne(edit.conversation(id), state, edit.openConversationId === id);
        edit.put(row);
        if (state.peer) edit.putUser(userView(state.peer));
        return row;
      }),
    );
    this.#names.told(rows.flatMap(({ peer }) => (peer ? [peer.userId] : [])));
    for (const [index, row] of rows.entries()) {
      const last = states[index]!.lastMessage;
      // The one message that is missing came with the list: no pull for it.
      if (last && last.convSeq === row.headSeq && row.tailSeq === last.convSeq - 1) {
        await this.#inbox.receive(row.conversationId, [storedMessage(last)], 'pull');
      }
      // Nothing behind the leaving is to come.
      if (row.leaveSeq > 0) this.#inbox.rewound(row.conversationId);
      this.#inbox.known(row.conversationId);
      this.noticed(row);
    }
    this.#merged(rows);
  }

  #mergeOne(before: ConversationRow | undefined, state: ConversationState, isOpen: boolean): ConversationRow {
    const row = mergeState(before, state, isOpen);
    // Known as archived, and more was written since. Archived anew elsewhere: the version says so.
    const isNews =
      before !== undefined &&
      settingsOf(before).archived &&
      state.version <= before.version &&
      state.headCountNo > before.headCountNo &&
      state.headCountNo > state.unreadBaseCountNo;
    return isNews ? withoutArchive(row, this.#serverClock.now()) : row;
  }

  /** Asks for what the server has; those that it does not know are given up. Rejects when it cannot be asked. */
  async fetch(conversationIds: readonly string[]): Promise<void> {
    // An answer holds what fits; what is left is asked for again, until an answer brings nothing.
    let left = [...new Set(conversationIds)];
    while (left.length > 0) {
      const answer = await this.#holder.request(
        Command.conversations,
        conversationsRequest,
        { conversationIds: left.slice(0, MAX_SYNC_PAGE).map(BigInt) },
        conversationsResponse,
      );
      await this.merge(answer.conversations);
      const came = new Set(answer.conversations.map(({ conversationId }) => conversationId.toString()));
      const asked = came.size === 0 ? left.slice(0, MAX_SYNC_PAGE) : [];
      for (const id of asked) this.#inbox.notKnown(id);
      left = left.filter((id) => !came.has(id) && !asked.includes(id));
    }
  }

  /** A notice is newer than what is known of the group. */
  noticed(row: ConversationRow): void {
    if (isStale(row)) this.refresh(row.conversationId);
  }

  /** Something of the conversation changed: its state is asked for, together with others. */
  refresh(conversationId: string, delayMs = GATHER_MS): void {
    if (!this.#holder.link) return;
    this.#stale.add(conversationId);
    this.#cancelTimer ??= this.#clock.setTimer(delayMs, () => {
      this.#cancelTimer = undefined;
      void this.#fetchStale();
    });
  }

  async #fetchStale(): Promise<void> {
    const ids = [...this.#stale];
    this.#stale.clear();
    try {
      await this.fetch(ids);
    } catch (error) {
      this.#logger.debug(describe(error), 'what changed of groups was not told');
    }
    for (const id of ids) {
      const row = this.#state.conversation(id);
      if (row && isStale(row)) this.refresh(id, AGAIN_MS);
    }
  }
}

function isStale(row: ConversationRow): boolean {
  return row.kind === 'group' && row.noticeSeq > row.stateSeq && row.leaveSeq === 0;
}
