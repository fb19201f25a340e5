import { FastimError, MAX_EMOJI } from '@fastim/protocol';
import type { AccountState } from './account-state.ts';
import { checkedWords } from './compose-text.ts';
import { hasReacted, isEventContent, withPending } from './message-content.ts';
import type { Draft, Outbox } from './outbox.ts';
import { refusalOf } from './rights.ts';
import { withSettings } from './row-settings.ts';
import type { ServerClock } from './server-clock.ts';
import type { ConversationRow, OutboxRow, OutgoingContent, Store, StoredMessage } from './store.ts';
import type { Viewer } from './viewer.ts';
import type { MessageView } from './views.ts';

/** Own messages among which a repeated key is looked for. */
const SENT_BEFORE_LOOKED_THROUGH = 100;
const MAX_FORWARDED = 100;
const MAX_FORWARDED_TO = 9;

/**
 * What a user does with messages. Each resolves when it is on disk here, works offline, and has one effect. What core's
 * rules refuse by what is known here is refused at once; the server has the last word, and what it refuses later the
 * message says (`failure`).
 */
export class MessageActions {
  readonly #state: AccountState;
  readonly #store: Store;
  readonly #outbox: Outbox;
  readonly #viewer: Viewer;
  readonly #serverClock: ServerClock;
  readonly #settingsChanged: (row: ConversationRow) => void;
  readonly #lastChanged: (conversationId: string) => void;

  constructor(parts: {
    state: AccountState;
    store: Store;
    outbox: Outbox;
    viewer: Viewer;
    serverClock: ServerClock;
    settingsChanged: (row: ConversationRow) => void;
    /** The newest shown message may be another one now. */
    lastChanged: (conversationId: string) => void;
  }) {
    this.#state = parts.state;
    this.#store = parts.store;
    this.#outbox = parts.outbox;
    this.#viewer = parts.viewer;
    this.#serverClock = parts.serverClock;
    this.#settingsChanged = parts.settingsChanged;
    this.#lastChanged = parts.lastChanged;
  }

  async send(params: {
    conversationId: string;
    text: string;
    key?: string;
    mentions?: string[];
    mentionAll?: boolean;
    replyTo?: number;
  }): Promise<MessageView> {
    const { conversationId, key, replyTo = 0 } = params;
    const before = key === undefined ? undefined : await this.#sentBefore(conversationId, key);
    if (before) return (await this.#viewer.messages(conversationId, [before]))[0]!;
    const words = checkedWords(params.text, params.mentions, params.mentionAll);
    const row = this.#row(conversationId);
    if (replyTo !== 0 && (replyTo < row.joinSeq || replyTo > row.headSeq)) throw new FastimError('TARGET_INVALID');
    const content: OutgoingContent = { type: 'text', ...words, replySeq: replyTo, forwardedFrom: null };
    const [sent] = await this.#outbox.compose([{ conversationId, content, key }]);
    if (!sent) {
      // Asked again while the first one was on its way: it has been stored since it was looked for.
      const stored = key === undefined ? undefined : await this.#sentBefore(conversationId, key);
      if (!stored) throw new FastimError('ID_REUSED', 'this key belongs to another message');
      return (await this.#viewer.messages(conversationId, [stored]))[0]!;
    }
    this.#composed(conversationId);
    return (await this.#viewer.messages(conversationId, [], [sent]))[0]!;
  }

  async edit(params: {
    conversationId: string;
    convSeq: number;
    text: string;
    mentions?: string[];
    mentionAll?: boolean;
  }): Promise<void> {
    const { conversationId, convSeq } = params;
    const words = checkedWords(params.text, params.mentions, params.mentionAll);
    await this.#allowed('edit', conversationId, convSeq);
    await this.#change(conversationId, { type: 'edit', targetSeq: convSeq, ...words });
  }

  async recall(conversationId: string, convSeq: number): Promise<void> {
    const message = await this.#allowed('recall', conversationId, convSeq);
    const { content } = withPending(message, this.#pendingFor(conversationId, convSeq), this.#state.userId);
    if (message.senderId === this.#state.userId && content.type === 'text') {
      this.#viewer.noteTakenBack(message.key, content.text);
    }
    await this.#change(conversationId, { type: 'recall', targetSeq: convSeq });
  }

  async react(conversationId: string, convSeq: number, emoji: string, on: boolean): Promise<void> {
    if (emoji === '' || emoji.length > MAX_EMOJI || !emoji.isWellFormed()) throw new FastimError('MESSAGE_INVALID');
    const message = await this.#allowed('reaction', conversationId, convSeq);
    const { marks } = withPending(message, this.#pendingFor(conversationId, convSeq), this.#state.userId);
    if (hasReacted(marks, emoji) === on) return;
    await this.#change(conversationId, { type: 'reaction', targetSeq: convSeq, emoji, removed: !on });
  }

  async deleteForMe(conversationId: string, convSeqs: readonly number[]): Promise<void> {
    const row = this.#row(conversationId);
    const places = [...new Set(convSeqs)].filter((convSeq) => convSeq >= row.joinSeq && convSeq <= row.headSeq);
    if (places.length === 0) return;
    const messages = await this.#at(conversationId, places);
    const after = await this.#state.change((edit) => {
      const now = edit.conversation(conversationId);
      if (!now) return undefined;
      const hidden = withSettings(now, { hideSeqs: places });
      edit.put(hidden);
      edit.hideMessages({ conversationId, convSeqs: places, keys: messages.map(({ key }) => key) });
      edit.durable = true;
      return hidden;
    });
    if (!after) return;
    this.#settingsChanged(after);
    if (after.lastMessage && places.includes(after.lastMessage.convSeq)) this.#lastChanged(conversationId);
  }

  async forward(conversationId: string, convSeqs: readonly number[], to: readonly string[]): Promise<void> {
    if (convSeqs.length > MAX_FORWARDED || to.length > MAX_FORWARDED_TO) throw new FastimError('TOO_MANY');
    const places = [...new Set(convSeqs)].sort((a, b) => a - b);
    const messages = await this.#at(conversationId, places);
    const contents = messages.map(({ content, marks, senderId }): OutgoingContent => {
      if (content.type !== 'text' || marks.recalledSeq > 0) throw new FastimError('TARGET_INVALID');
      const forwardedFrom = content.forwardedFrom ?? senderId;
      return { type: 'text', text: content.text, mentions: [], mentionAll: false, replySeq: 0, forwardedFrom };
    });
    if (contents.length < places.length) throw new FastimError('TARGET_INVALID', 'not all of them are here');
    const drafts = [...new Set(to)].flatMap((target) =>
      contents.map((content): Draft => ({ conversationId: target, content })),
    );
    await this.#outbox.compose(drafts);
    for (const target of new Set(to)) this.#composed(target);
  }

  async #change(conversationId: string, content: OutgoingContent): Promise<void> {
    if (isEventContent(content)) this.#viewer.noteRefusal(conversationId, content.targetSeq, null);
    await this.#outbox.compose([{ conversationId, content }]);
  }

  #composed(conversationId: string): void {
    const row = this.#state.conversation(conversationId);
    if (row?.settingsPending) this.#settingsChanged(row);
  }

  async #allowed(
    action: 'edit' | 'recall' | 'reaction',
    conversationId: string,
    convSeq: number,
  ): Promise<StoredMessage> {
    const row = this.#row(conversationId);
    const [message] = convSeq >= row.joinSeq ? await this.#at(conversationId, [convSeq]) : [];
    if (!message) throw new FastimError('TARGET_INVALID');
    const { windows } = this.#serverClock;
    const refusal = refusalOf(action, message, row, {
      me: this.#state.userId,
      nowMs: this.#serverClock.now(),
      windows,
    });
    if (refusal) throw new FastimError(refusal);
    const pending = this.#pendingFor(conversationId, convSeq);
    if (pending.some(({ type }) => type === 'recall'))
      throw new FastimError('TARGET_INVALID', 'it is being taken back');
    return message;
  }

  #pendingFor(conversationId: string, convSeq: number): OutgoingContent[] {
    const isPending = ({ content, failure }: OutboxRow) =>
      isEventContent(content) && content.targetSeq === convSeq && failure === null;
    return this.#state
      .outboxOf(conversationId)
      .filter(isPending)
      .map(({ content }) => content);
  }

  /** Those that are shown here. */
  async #at(conversationId: string, places: readonly number[]): Promise<StoredMessage[]> {
    const found: StoredMessage[] = [];
    for (const convSeq of places) {
      const query = { conversationId, fromSeq: convSeq, toSeq: convSeq, limit: 1, newestFirst: false };
      found.push(...(await this.#store.messages(this.#state.generation, { ...query, shownOnly: true })));
    }
    return found;
  }

  /**
   * My message of that key, if it left the outbox already. Only the newest are looked through: an older one would go
   * to the server again, which answers with the first ack.
   */
  async #sentBefore(conversationId: string, key: string): Promise<StoredMessage | undefined> {
    const newest = await this.#store.messages(this.#state.generation, {
      conversationId,
      fromSeq: 1,
      toSeq: Number.MAX_SAFE_INTEGER,
      limit: SENT_BEFORE_LOOKED_THROUGH,
      newestFirst: true,
      senderId: this.#state.userId,
    });
    return newest.find((message) => message.key === key);
  }

  #row(conversationId: string): ConversationRow {
    const row = this.#state.conversation(conversationId);
    if (!row) throw new FastimError('NOT_FOUND', 'no such conversation');
    return row;
  }
}
