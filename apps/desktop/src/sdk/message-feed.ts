import type { ClientApi } from '../engine/client-api.ts';
import type { ConversationView, MessageView } from '../engine/views.ts';

const PAGE = 100;
/** Messages of one conversation that are remembered as told; of older ones nothing late is told any more. */
const MOST_REMEMBERED = 20_000;

interface Lane {
  /** What is at or below is not told: it is read, or too long ago. */
  floor: number;
  /** The highest place told or passed over. */
  through: number;
  told: Set<number>;
  working: boolean;
  /** Where to look again from, when the work under way is done; undefined: nowhere. */
  lookFrom: number | undefined;
}

/**
 * Tells each message of others above the read cursor once, one after the other in each conversation. It reads pages from
 * the store behind the last one told (the engine pulls what is missing), so order and completeness do not depend on what
 * the engine happened to announce; what a page could not bring in time is told when it comes.
 */
export class MessageFeed {
  readonly #client: ClientApi;
  readonly #tell: (message: MessageView) => Promise<void>;
  readonly #warn: (error: unknown) => void;
  readonly #lanes = new Map<string, Lane>();
  #ends: Array<() => void> = [];
  #stopped = true;

  constructor(parts: {
    client: ClientApi;
    /** Waited for; does not reject. */
    tell: (message: MessageView) => Promise<void>;
    warn: (error: unknown) => void;
  }) {
    this.#client = parts.client;
    this.#tell = parts.tell;
    this.#warn = parts.warn;
  }

  /** Begins with what is unread. Idempotent. */
  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#ends = [
      this.#client.on('conversations', (changed) => this.#look(changed)),
      this.#client.on('messages', ({ conversationId, changed }) => this.#late(conversationId, changed)),
      this.#client.on('connection', ({ state }) => {
        if (state === 'online') this.#lookAtAll();
      }),
    ];
    this.#lookAtAll();
  }

  stop(): void {
    this.#stopped = true;
    for (const end of this.#ends) end();
    this.#ends = [];
    this.#lanes.clear();
  }

  #lookAtAll(): void {
    this.#client.listConversations().then(
      (conversations) => this.#look(conversations),
      (error: unknown) => this.#warn(error),
    );
  }

  #look(conversations: readonly ConversationView[]): void {
    if (this.#stopped) return;
    for (const { conversationId, headSeq, readSeq } of conversations) {
      let lane = this.#lanes.get(conversationId);
      if (!lane) {
        lane = { floor: readSeq, through: readSeq, told: new Set(), working: false, lookFrom: undefined };
        this.#lanes.set(conversationId, lane);
      }
      this.#raiseFloor(lane, readSeq);
      if (headSeq > lane.through) this.#work(conversationId, lane, lane.through);
    }
  }

  /** Something that a page had not brought in time. */
  #late(conversationId: string, changed: readonly MessageView[]): void {
    const lane = this.#lanes.get(conversationId);
    if (!lane) return;
    for (const { convSeq } of changed) {
      if (convSeq !== null && convSeq <= lane.through && this.#isUntold(lane, convSeq)) {
        this.#work(conversationId, lane, convSeq - 1);
      }
    }
  }

  #isUntold(lane: Lane, convSeq: number): boolean {
    return convSeq > lane.floor && !lane.told.has(convSeq);
  }

  #work(conversationId: string, lane: Lane, from: number): void {
    lane.lookFrom = Math.min(lane.lookFrom ?? from, from);
    if (lane.working) return;
    lane.working = true;
    this.#run(conversationId, lane).finally(() => {
      lane.working = false;
    });
  }

  async #run(conversationId: string, lane: Lane): Promise<void> {
    while (lane.lookFrom !== undefined && !this.#stopped) {
      const from = lane.lookFrom;
      lane.lookFrom = undefined;
      try {
        await this.#tellFrom(conversationId, lane, from);
      } catch (error) {
        // Asked again with the next message, or when the connection is back.
        this.#warn(error);
      }
    }
  }

  async #tellFrom(conversationId: string, lane: Lane, from: number): Promise<void> {
    for (let order = from; ; ) {
      const anchor = { at: 'after' as const, order };
      const { messages } = await this.#client.messagesPage({ conversationId, anchor, limit: PAGE });
      for (const message of messages) {
        if (this.#stopped) return;
        if (message.convSeq === null) return;
        order = message.convSeq;
        const isNew = this.#isUntold(lane, order);
        lane.through = Math.max(lane.through, order);
        if (!isNew) continue;
        this.#remember(lane, order);
        if (!message.mine && !message.recalled) await this.#tell(message);
      }
      if (messages.length < PAGE) return;
    }
  }

  #remember(lane: Lane, convSeq: number): void {
    lane.told.add(convSeq);
    if (lane.told.size <= MOST_REMEMBERED) return;
    const sorted = [...lane.told].sort((a, b) => a - b);
    this.#raiseFloor(lane, sorted[sorted.length >> 1]!);
  }

  #raiseFloor(lane: Lane, floor: number): void {
    if (floor <= lane.floor) return;
    lane.floor = floor;
    lane.through = Math.max(lane.through, floor);
    for (const convSeq of lane.told) if (convSeq <= floor) lane.told.delete(convSeq);
  }
}
