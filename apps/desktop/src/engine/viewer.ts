import type { AccountState } from './account-state.ts';
import { conversationView } from './conversation-views.ts';
import { isEventContent } from './message-content.ts';
import { outboxView, storedView, type TakenBack, type ViewContext } from './message-views.ts';
import type { Names } from './names.ts';
import type { ServerClock } from './server-clock.ts';
import type { ConversationRow, OutboxRow, OutgoingContent, Store, StoredMessage } from './store.ts';
import type { ConversationView, MessageView } from './views.ts';

/** Quoted places remembered of one conversation; past it all are forgotten, and their quotes stay as they were. */
const MAX_QUOTED = 1_000;
/** Users whose missing names are remembered. */
const MAX_NAMELESS = 1_000;
/** "Edit again" is offered for so long. */
const AGAIN_MS = 5 * 60_000;
/** Messages that I took back, remembered at most. */
const MAX_TAKEN_BACK = 50;

/** Makes views of what is stored: with names, quotes, and what of mine is on its way laid over it. */
export class Viewer {
  readonly #state: AccountState;
  readonly #store: Store;
  readonly #names: Names;
  readonly #serverClock: ServerClock;
  readonly #quoteMissing: (conversationId: string, convSeq: number) => void;
  /** conversation → quoted place → places of the messages that quote it and were shown. */
  readonly #quoting = new Map<string, Map<number, Set<number>>>();
  readonly #takenBack = new Map<string, TakenBack>();
  readonly #refusals = new Map<string, string>();
  /** user → conversation → places of messages that were shown without their name. */
  readonly #nameless = new Map<string, Map<string, Set<number>>>();

  constructor(parts: {
    state: AccountState;
    store: Store;
    names: Names;
    serverClock: ServerClock;
    /** A message that is shown answers one that is not here. */
    quoteMissing: (conversationId: string, convSeq: number) => void;
  }) {
    this.#state = parts.state;
    this.#store = parts.store;
    this.#names = parts.names;
    this.#serverClock = parts.serverClock;
    this.#quoteMissing = parts.quoteMissing;
  }

  conversation(row: ConversationRow): ConversationView {
    // Names of a direct conversation are that of the peer, which comes with its state.
    const nameOf = row.kind === 'group' ? undefined : () => '';
    const context = { ...this.#context(row, new Map()), ...(nameOf && { nameOf }) };
    return conversationView(row, this.#state.unsentOf(row.conversationId), context);
  }

  /** Newest activity first. */
  list(): ConversationView[] {
    return [...this.#state.conversations()]
      .map((row) => this.conversation(row))
      .sort((a, b) => b.lastActivityMs - a.lastActivityMs || (a.conversationId < b.conversationId ? 1 : -1));
  }

  /** Messages of one conversation, in the order given. Reads the store for what they quote. */
  async messages(
    conversationId: string,
    stored: readonly StoredMessage[],
    unsent: readonly OutboxRow[] = [],
  ): Promise<MessageView[]> {
    const row = this.#state.conversation(conversationId);
    const quoted = await this.#quoted(conversationId, stored, unsent);
    const context = this.#context(row, quoted);
    return [
      ...stored.map((message) => {
        const nameOf = (userId: string) => {
          const name = context.nameOf(userId);
          if (name === '') this.#noteNameless(userId, conversationId, message.convSeq);
          return name;
        };
        return storedView(message, { ...context, nameOf });
      }),
      ...unsent.map((mine) => outboxView(mine, context)),
    ];
  }

  /** Places of messages that were shown without the name of one of these users; told once. */
  nameless(userIds: Iterable<string>): Array<readonly [conversationId: string, convSeqs: ReadonlySet<number>]> {
    const found: Array<readonly [string, ReadonlySet<number>]> = [];
    for (const userId of userIds) {
      found.push(...(this.#nameless.get(userId) ?? []));
      this.#nameless.delete(userId);
    }
    return found;
  }

  /** Places of shown messages that quote one of these. */
  quoting(conversationId: string, convSeqs: Iterable<number>): number[] {
    const places = this.#quoting.get(conversationId);
    if (!places) return [];
    return [...convSeqs].flatMap((convSeq) => [...(places.get(convSeq) ?? [])]);
  }

  /** My own words, kept so that they can be written anew after the recall. */
  noteTakenBack(key: string, text: string): void {
    this.#takenBack.set(key, { text, untilMs: this.#serverClock.now() + AGAIN_MS });
    const [oldest] = this.#takenBack.keys();
    if (this.#takenBack.size > MAX_TAKEN_BACK && oldest !== undefined) this.#takenBack.delete(oldest);
  }

  /** Why the last change of a message was refused; null: there is a new one. */
  noteRefusal(conversationId: string, convSeq: number, reason: string | null): void {
    const place = `${conversationId} ${convSeq}`;
    if (reason === null) this.#refusals.delete(place);
    else this.#refusals.set(place, reason);
  }

  #context(row: ConversationRow | undefined, quoted: ReadonlyMap<number, StoredMessage>): ViewContext {
    const conversationId = row?.conversationId ?? '';
    const pending = this.#pending(conversationId);
    return {
      me: this.#state.userId,
      row,
      nowMs: this.#serverClock.now(),
      windows: this.#serverClock.windows,
      nameOf: (userId) => this.#names.nameOf(userId),
      quoted: (convSeq) => quoted.get(convSeq),
      pendingFor: (convSeq) => pending.get(convSeq) ?? [],
      takenBack: (key) => this.#takenBack.get(key),
      refusal: (convSeq) => this.#refusals.get(`${conversationId} ${convSeq}`) ?? null,
    };
  }

  #pending(conversationId: string): Map<number, OutgoingContent[]> {
    const pending = new Map<number, OutgoingContent[]>();
    for (const { content, failure } of this.#state.outboxOf(conversationId)) {
      if (!isEventContent(content) || failure !== null) continue;
      const list = pending.get(content.targetSeq);
      if (list) list.push(content);
      else pending.set(content.targetSeq, [content]);
    }
    return pending;
  }

  async #quoted(
    conversationId: string,
    stored: readonly StoredMessage[],
    unsent: readonly OutboxRow[],
  ): Promise<Map<number, StoredMessage>> {
    const wanted = new Set<number>();
    for (const { content, convSeq } of stored) {
      if (content.type !== 'text' || content.replySeq <= 0) continue;
      wanted.add(content.replySeq);
      this.#noteQuote(conversationId, content.replySeq, convSeq);
    }
    for (const { content } of unsent) if (content.type === 'text' && content.replySeq > 0) wanted.add(content.replySeq);
    const found = new Map(stored.filter(({ convSeq }) => wanted.has(convSeq)).map((one) => [one.convSeq, one]));
    const joinSeq = this.#state.conversation(conversationId)?.joinSeq ?? 1;
    for (const convSeq of wanted) {
      if (found.has(convSeq) || convSeq < joinSeq) continue;
      const query = { conversationId, fromSeq: convSeq, toSeq: convSeq, limit: 1, newestFirst: false };
      const [quoted] = await this.#store.messages(this.#state.generation, { ...query, shownOnly: true });
      if (quoted) found.set(convSeq, quoted);
      else this.#quoteMissing(conversationId, convSeq);
    }
    return found;
  }

  #noteNameless(userId: string, conversationId: string, convSeq: number): void {
    if (this.#nameless.size > MAX_NAMELESS) this.#nameless.clear();
    const places = this.#nameless.get(userId) ?? new Map<string, Set<number>>();
    this.#nameless.set(userId, places);
    const convSeqs = places.get(conversationId);
    if (!convSeqs || convSeqs.size > MAX_QUOTED) places.set(conversationId, new Set([convSeq]));
    else convSeqs.add(convSeq);
  }

  #noteQuote(conversationId: string, quotedSeq: number, bySeq: number): void {
    let places = this.#quoting.get(conversationId);
    if (!places || places.size > MAX_QUOTED) {
      places = new Map();
      this.#quoting.set(conversationId, places);
    }
    const by = places.get(quotedSeq);
    if (by) by.add(bySeq);
    else places.set(quotedSeq, new Set([bySeq]));
  }
}
