import { FastimError } from '@fastim/protocol';
import type { ClientApi, ClientEvents, PageAnchor } from '../engine/client-api.ts';
import type { FastimEvents, Listener } from './fastim-events.ts';
import { GroupCalls } from './group-calls.ts';
import { Listeners } from './listeners.ts';
import { MessageFeed } from './message-feed.ts';
import { allPages, pageSize } from './pages.ts';
import type {
  Account,
  Connection,
  Conversation,
  ConversationSettings,
  Device,
  HistoryOptions,
  Message,
  MessageRef,
  Presence,
  ReadCount,
  SearchFilters,
  SearchHit,
  SendOptions,
  User,
} from './sdk-types.ts';
import { sendAndWait } from './sent-message.ts';

/**
 * One user, logged in on one device. Made by `connect`; `close` it when done.
 *
 * Everything is kept on disk first and survives a crash: what `send` accepted goes out at the next start, with one
 * effect. It reconnects by itself. Every method rejects with a `FastimError` whose `reason` is a name of the catalogue.
 */
export class FastimClient {
  /** Who is logged in, and where. */
  readonly account: Account;
  /** Making and changing groups, members, links. */
  readonly groups: GroupCalls;
  readonly #client: ClientApi;
  readonly #dispose: (logOut: boolean) => Promise<void>;
  readonly #listeners: Listeners;
  readonly #feed: MessageFeed;
  readonly #closed = new AbortController();
  readonly #ends: Array<() => void>;
  #closing: Promise<void> | undefined;

  /** @internal Use `connect`. */
  constructor(parts: {
    client: ClientApi;
    account: Account;
    warn: (error: unknown) => void;
    /** Stops the engine and takes down what was made for it. */
    dispose: (logOut: boolean) => Promise<void>;
  }) {
    const { client, warn } = parts;
    this.account = parts.account;
    this.groups = new GroupCalls(client);
    this.#client = client;
    this.#dispose = parts.dispose;
    this.#listeners = new Listeners(warn);
    this.#feed = new MessageFeed({ client, warn, tell: (message) => this.#listeners.emit('message', message) });
    const pass = <E extends keyof ClientEvents>(event: E, tell: (payload: ClientEvents[E]) => unknown) =>
      client.on(event, (payload) => void tell(payload));
    this.#ends = [
      pass('messages', (payload) => this.#listeners.emit('messages', payload)),
      pass('connection', (payload) => this.#listeners.emit('connection', payload)),
      pass('typing', (payload) => this.#listeners.emit('typing', payload)),
      pass('readers', (payload) => this.#listeners.emit('readers', payload)),
      pass('conversations', (changed) => changed.map((one) => this.#listeners.emit('conversation', one))),
      pass('presence', (changed) => changed.map((one) => this.#listeners.emit('presence', one))),
    ];
  }

  /** Listens until the returned function is called or the client is closed. */
  on<E extends keyof FastimEvents>(event: E, listener: Listener<E>): () => void {
    const end = this.#listeners.add(event, listener);
    if (event === 'message' && !this.#closing) this.#feed.start();
    return end;
  }

  /** Where the connection stands now; the event `connection` tells its changes. */
  async connection(): Promise<Connection> {
    return (await this.#client.app()).connection;
  }

  /** Users whose names begin with it. */
  searchUsers(query: string): Promise<User[]> {
    return this.#client.searchUsers({ query });
  }

  /** All conversations, newest activity first. */
  conversations(): Promise<Conversation[]> {
    return this.#client.listConversations();
  }

  /** The conversation with one other user, by user name or as found; made if there is none. */
  async direct(user: string | Pick<User, 'userId'>): Promise<Conversation> {
    if (typeof user !== 'string') return this.#client.openDirect({ userId: user.userId });
    const found = await this.#client.searchUsers({ query: user });
    const exact = found.find(({ username }) => username.toLowerCase() === user.toLowerCase());
    if (!exact) throw new FastimError('NOT_FOUND', `there is no user named ${user}`);
    return this.#client.openDirect({ userId: exact.userId });
  }

  /**
   * Sends a text. Resolves when the server has stored it (one tick); rejects when the server refuses it for good
   * (`MUTED`, `NOT_A_MEMBER`, `MESSAGE_TOO_LONG` …). Meanwhile the message is on disk: offline it waits for the network,
   * and if this process ends it goes out at the next start with the same directory. Messages of one conversation are
   * stored in the order of the calls.
   */
  send(
    conversation: string | Pick<Conversation, 'conversationId'>,
    text: string,
    options: SendOptions = {},
  ): Promise<Message> {
    const { mentions, mentionAll, replyTo, key, signal } = options;
    const params = {
      conversationId: idOf(conversation),
      text,
      ...(mentions && { mentions: [...mentions] }),
      ...(mentionAll !== undefined && { mentionAll }),
      ...(replyTo && { replyTo: seqOf(replyTo) }),
      ...(key !== undefined && { key }),
    };
    return sendAndWait(this.#client, params, { signal, closed: this.#closed.signal });
  }

  /**
   * Replaces the words of a message of mine (within the server's edit window). Like `recall` and `react`, it resolves when
   * it is on disk here and is sent in order with everything else; the event `messages` tells what became of it.
   */
  async edit(
    message: MessageRef,
    text: string,
    options: Pick<SendOptions, 'mentions' | 'mentionAll'> = {},
  ): Promise<void> {
    const { mentions, mentionAll } = options;
    await this.#client.editMessage({
      ...placeOf(message),
      text,
      ...(mentions && { mentions: [...mentions] }),
      ...(mentionAll !== undefined && { mentionAll }),
    });
  }

  /** Takes a message back for everybody: my own for a while, as owner or admin of a group any at any time. */
  async recall(message: MessageRef): Promise<void> {
    await this.#client.recallMessage(placeOf(message));
  }

  /** Adds a reaction, or with `on` false takes it away. */
  async react(message: MessageRef, emoji: string, on = true): Promise<void> {
    await this.#client.react({ ...placeOf(message), emoji, on });
  }

  /** Removes messages from all my devices, and only there. */
  async deleteForMe(...messages: readonly MessageRef[]): Promise<void> {
    const byConversation = Map.groupBy(messages, ({ conversationId }) => conversationId);
    for (const [conversationId, refs] of byConversation) {
      await this.#client.deleteForMe({ conversationId, convSeqs: refs.map(seqOf) });
    }
  }

  /** Sends messages on to other conversations (at most 100, of one conversation, to at most 9), with their author's name. */
  async forward(messages: readonly MessageRef[], to: readonly string[]): Promise<void> {
    const conversationId = messages[0]?.conversationId;
    if (conversationId === undefined) return;
    if (messages.some((one) => one.conversationId !== conversationId)) {
      throw new FastimError('BAD_REQUEST', 'forwarded messages are of one conversation');
    }
    await this.#client.forwardMessages({ conversationId, convSeqs: messages.map(seqOf), to: [...to] });
  }

  /** Everything up to this message is read, on all my devices; its senders see it. */
  async markRead(message: MessageRef): Promise<void> {
    await this.#client.markRead(placeOf(message));
  }

  /**
   * Pages of messages, from the newest to older ones unless told otherwise; within a page always from old to new. What
   * is not on this device is pulled from the server.
   *
   * @example
   * for await (const page of client.history(conversation)) console.log(page.map(({ text }) => text));
   */
  async *history(
    conversation: string | Pick<Conversation, 'conversationId'>,
    options: HistoryOptions = {},
  ): AsyncGenerator<Message[], void, undefined> {
    const conversationId = idOf(conversation);
    const limit = pageSize(options.pageSize);
    const { anchor, direction } = historyStart(options);
    let next: PageAnchor | undefined = anchor;
    while (next) {
      const page = await this.#client.messagesPage({ conversationId, anchor: next, limit });
      const { messages } = page;
      // A page round a moment also has what was before it.
      const wanted =
        options.from instanceof Date && next === anchor
          ? within(messages, options.from.getTime(), direction)
          : messages;
      if (wanted.length > 0) yield wanted;
      const end = direction === 'older' ? messages[0] : messages.at(-1);
      const more = direction === 'older' ? page.hasOlder : page.hasNewer;
      if (!more || !end) return;
      next = direction === 'older' ? { at: 'before', order: end.order } : { at: 'after', order: end.order };
    }
  }

  /**
   * Pages of messages on this device that have all of these words, newest first; the last word may be the beginning of
   * one, Chinese is found from one character on.
   */
  search(words: string, filters: SearchFilters = {}): AsyncGenerator<SearchHit[], void, undefined> {
    const { conversationId, senderId, from, to } = filters;
    const limit = pageSize(filters.pageSize);
    return allPages<SearchHit, { timeMs: number; msgId: string }>(async (after) => {
      const page = await this.#client.searchMessages({
        query: words,
        limit,
        ...(conversationId !== undefined && { conversationId }),
        ...(senderId !== undefined && { senderId }),
        ...(from && { fromMs: from.getTime() }),
        ...(to && { toMs: to.getTime() }),
        ...(after && { after }),
      });
      return { rows: page.hits, next: page.next };
    });
  }

  /** In groups: by how many each of these messages (of one conversation, at most 50) was read. */
  async readCounts(...messages: readonly MessageRef[]): Promise<ReadCount[]> {
    const conversationId = messages[0]?.conversationId;
    if (conversationId === undefined) return [];
    return this.#client.readCounts({ conversationId, convSeqs: messages.map(seqOf) });
  }

  /** Pages of those who have read a message in a group; with `unread`, of those who have not. */
  readers(message: MessageRef, options: { unread?: boolean } = {}): AsyncGenerator<User[], void, undefined> {
    const place = placeOf(message);
    return allPages<User, string>(async (after) => {
      const page = await this.#client.readers({
        ...place,
        unread: options.unread ?? false,
        after,
        limit: pageSize(100),
      });
      return { rows: page.users, next: page.next };
    });
  }

  /** Mutes, pins, archives, marks as unread: on all my devices. */
  setConversation(conversationId: string, settings: ConversationSettings): Promise<Conversation> {
    return this.#client.setConversationSettings({ conversationId, patch: { ...settings } });
  }

  /** Tells the others that I am typing; call it while it goes on. */
  async typing(conversationId: string): Promise<void> {
    await this.#client.typing({ conversationId });
  }

  /** Watches these users (at most 100, instead of those before): what is known now; changes come as `presence`. */
  watchPresence(userIds: readonly string[]): Promise<Presence[]> {
    return this.#client.watchPresence({ userIds: [...userIds] });
  }

  /** The sessions of this account. */
  devices(): Promise<Device[]> {
    return this.#client.devices();
  }

  /** Logs another device out. */
  async endDevice(sessionId: string): Promise<void> {
    await this.#client.endDevice({ sessionId });
  }

  /**
   * Ends everything: listeners, the connection, the store. Idempotent. With `logOut` (always so without a directory) the
   * session ends on the server too and what is stored here is removed.
   */
  close(options: { logOut?: boolean } = {}): Promise<void> {
    this.#closing ??= this.#close(options.logOut ?? false);
    return this.#closing;
  }

  async #close(logOut: boolean): Promise<void> {
    this.#feed.stop();
    for (const end of this.#ends) end();
    this.#listeners.clear();
    this.#closed.abort();
    await this.#dispose(logOut);
  }
}

function idOf(conversation: string | Pick<Conversation, 'conversationId'>): string {
  return typeof conversation === 'string' ? conversation : conversation.conversationId;
}

function seqOf({ convSeq }: MessageRef): number {
  if (convSeq === null) throw new FastimError('TARGET_INVALID', 'the server has not stored this message yet');
  return convSeq;
}

function placeOf(message: MessageRef): { conversationId: string; convSeq: number } {
  return { conversationId: message.conversationId, convSeq: seqOf(message) };
}

function historyStart({ from = 'newest', direction }: HistoryOptions): {
  anchor: PageAnchor;
  direction: 'older' | 'newer';
} {
  if (from === 'newest') return { anchor: { at: 'newest' }, direction: 'older' };
  if (from === 'oldest') return { anchor: { at: 'after', order: 0 }, direction: 'newer' };
  if (from instanceof Date) return { anchor: { at: 'date', timeMs: from.getTime() }, direction: direction ?? 'newer' };
  const way = direction ?? 'older';
  return { anchor: { at: way === 'older' ? 'before' : 'after', order: seqOf(from) }, direction: way };
}

function within(messages: readonly Message[], timeMs: number, direction: 'older' | 'newer'): Message[] {
  return messages.filter((message) => (direction === 'older' ? message.timeMs < timeMs : message.timeMs >= timeMs));
}
