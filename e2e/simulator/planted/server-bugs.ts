import { type ConversationState, type Message, MessageKind, recallBody } from '@fastim/protocol';
import { MemoryStorage } from '../../../apps/server/src/logic/testing/memory-storage.ts';
import type { Membership } from '../../../apps/server/src/storage/conversation-store.ts';
import type { AppendOutcome, AppendRequest, MessageStore } from '../../../apps/server/src/storage/message-store.ts';
import type { Storage } from '../../../apps/server/src/storage/storage.ts';
import type { Flaws } from '../system.ts';

/** Wrappers round the server's storage: each does one thing wrong. */

type Change<T> = (inner: T) => Partial<T>;

function onStorage(change: { [S in keyof Storage]?: Change<Storage[S]> }): Flaws {
  return {
    logic: {
      storage: (storage) => {
        const changed: Record<string, unknown> = { ...storage };
        for (const [name, wrap] of Object.entries(change)) {
          const inner = storage[name as keyof Storage] as object;
          changed[name] = { ...inner, ...(wrap as Change<object>)(inner) };
        }
        return changed as unknown as Storage;
      },
    },
  };
}

/** Every nth time. */
function everyNth(n: number): () => boolean {
  let count = 0;
  return () => {
    count += 1;
    return count % n === 0;
  };
}

/** A repeat is stored as if it were new. */
class WithoutDedupe extends MemoryStorage {
  #copies = 0;

  override async append(batch: readonly AppendRequest[]): Promise<AppendOutcome[]> {
    const outcomes: AppendOutcome[] = [];
    for (const request of batch) {
      const [first] = await super.append([request]);
      if (first!.outcome !== 'repeated') {
        outcomes.push(first!);
        continue;
      }
      this.#copies += 1;
      const clientMsgId = Uint8Array.from(request.clientMsgId);
      new DataView(clientMsgId.buffer).setUint32(0, this.#copies);
      outcomes.push((await super.append([{ ...request, clientMsgId }]))[0]!);
    }
    return outcomes;
  }
}

/** Who left is served what comes later. */
class WithoutLeaving extends MemoryStorage {
  override async membership(conversationId: bigint, userId: bigint): Promise<Membership | undefined> {
    const membership = await super.membership(conversationId, userId);
    if (!membership || membership.leaveSeq === 0) return membership;
    return { ...membership, lastSeq: (await this.seqAt(conversationId, Number.MAX_SAFE_INTEGER)) - 1, leaveSeq: 0 };
  }

  override async states(userId: bigint, conversationIds: readonly bigint[]): Promise<ConversationState[]> {
    const states = await super.states(userId, conversationIds);
    return Promise.all(
      states.map(async (state) => {
        if (state.leaveSeq === 0) return state;
        const head = await this.seqAt(state.conversationId, Number.MAX_SAFE_INTEGER);
        return { ...state, leaveSeq: 0, headSeq: head - 1 };
      }),
    );
  }
}

/** Numbers that are worked out beside the transaction that stores: `next` says where the next message will be. */
function numbered(
  next: (inner: MessageStore, conversationId: bigint) => Promise<number | undefined>,
): Change<MessageStore> {
  return (inner) => ({
    append: async (batch) => {
      const places = new Map<bigint, number | undefined>();
      for (const { conversationId } of batch) {
        if (!places.has(conversationId)) places.set(conversationId, await next(inner, conversationId));
      }
      const outcomes = await inner.append(batch);
      return outcomes.map((outcome, index) => {
        const { conversationId } = batch[index]!;
        const convSeq = places.get(conversationId);
        if (outcome.outcome !== 'stored' || convSeq === undefined) return outcome;
        places.set(conversationId, convSeq + 1);
        return { ...outcome, convSeq };
      });
    },
  });
}

function withMarks(change: (message: Message) => Message): Change<MessageStore> {
  return (inner) => ({ history: async (query) => (await inner.history(query)).map(change) });
}

export const serverBugs = {
  ackBeforeCommit: (): Flaws => ({ database: { answersEarly: true } }),
  uncommittedSeen: (): Flaws => ({ database: { showsEarly: true } }),
  recoveryLosesTheEnd: (): Flaws => ({ database: { overlooks: 1 } }),
  dedupeOff: (): Flaws => ({ database: { makeStorage: (historyEpoch) => new WithoutDedupe(historyEpoch) } }),
  historyBeyondLeave: (): Flaws => ({ database: { makeStorage: (historyEpoch) => new WithoutLeaving(historyEpoch) } }),

  seqOutsideTransaction: (): Flaws =>
    onStorage({ messages: numbered((inner, id) => inner.seqAt(id, Number.MAX_SAFE_INTEGER)) }),

  /** Each node takes itself for the only owner of what it appended to, and counts on from there. */
  staleOwner: (): Flaws => {
    const heads = new WeakMap<MessageStore, Map<bigint, number>>();
    return onStorage({
      messages: (inner) => {
        const own = heads.get(inner) ?? new Map<bigint, number>();
        heads.set(inner, own);
        return {
          append: async (batch) => {
            const outcomes = await inner.append(batch);
            return outcomes.map((outcome, index) => {
              if (outcome.outcome !== 'stored') return outcome;
              const { conversationId } = batch[index]!;
              const convSeq = (own.get(conversationId) ?? outcome.convSeq - 1) + 1;
              own.set(conversationId, convSeq);
              return { ...outcome, convSeq };
            });
          },
        };
      },
    });
  },

  /** What I wrote myself counts as unread below it: a counter that only reading clears. */
  unreadCounted: (): Flaws => {
    const counted = (state: ConversationState): ConversationState => ({
      ...state,
      unreadBaseCountNo: Math.max(0, state.unreadBaseCountNo - (state.headCountNo - state.unreadBaseCountNo)),
    });
    return onStorage({
      conversations: (inner) => ({
        states: async (...args) => (await inner.states(...args)).map(counted),
        syncPage: async (query) => {
          const page = await inner.syncPage(query);
          return { ...page, conversations: page.conversations.map(counted) };
        },
      }),
    });
  },

  /** The count is there, the conv_seq up to which it counts is not: later events are counted once more. */
  reactionAppliedTwice: (): Flaws =>
    onStorage({
      messages: withMarks((message) =>
        message.marks?.reactions.length ? { ...message, marks: { ...message.marks, reactionsSeq: 0 } } : message,
      ),
    }),

  /** Only who was there at the time hears of it: pages say nothing of what was taken back, and nothing of the taking. */
  recallLost: (): Flaws =>
    onStorage({
      messages: withMarks((message) => {
        if (message.kind === MessageKind.recall) {
          return { ...message, body: recallBody.encode({ targetSeq: message.convSeq }) };
        }
        return message.marks?.recalledSeq ? { ...message, marks: { ...message.marks, recalledSeq: 0 } } : message;
      }),
    }),

  cursorNotWritten: (): Flaws => {
    const now = everyNth(9);
    return onStorage({
      conversations: (inner) => ({
        raiseCursors: (batch) =>
          now() ? Promise.resolve({ raised: [], unmarked: [], refused: [] }) : inner.raiseCursors(batch),
      }),
    });
  },

  settingsLost: (): Flaws => {
    const now = everyNth(3);
    return onStorage({
      conversations: (inner) => ({
        changeSettings: async (userId, change, nowMs) => {
          if (!now()) return inner.changeSettings(userId, change, nowMs);
          const [state] = await inner.states(userId, [change.conversationId]);
          if (!state) return undefined;
          const { version, settings } = state;
          const { silentUntilMs, pinnedMs, archived, markedUnread, draft } = change;
          return {
            version,
            changed: false,
            settings: {
              ...settings,
              ...(silentUntilMs !== undefined && { silentUntilMs }),
              ...(pinnedMs !== undefined && { pinnedMs }),
              ...(archived !== undefined && { archived }),
              ...(markedUnread !== undefined && { markedUnread }),
              ...(draft !== undefined && { draft }),
            },
          };
        },
      }),
    });
  },
};
