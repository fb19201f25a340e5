/** Values for the cases of the store's contract, and how they are compared. */
import { type Marks, noMarks } from '@fastim/core';
import { defaultSettings } from '@fastim/protocol';
import {
  type AccountRow,
  type ConversationRow,
  type MessageContent,
  type OutboxRow,
  type PendingLogOut,
  type Store,
  type StoreBatch,
  type StoredMessage,
  StoreError,
} from '../store.ts';

/** One promise of the Store, as a case that any driver has to pass. */
export interface StoreCase {
  readonly name: string;
  /** `another` makes a further store on the same profile; each has to be opened. */
  run(store: Store, another: () => Store): Promise<void>;
}

export const account: AccountRow = {
  serverUrl: 'https://chat.example',
  user: { userId: '9007199254740993001', username: 'bob', displayName: 'Bob 波' },
  deviceId: '0123456789abcdef0123456789abcdef',
  session: {
    sessionId: '77',
    epoch: 3,
    accessToken: 'access',
    accessExpiresAt: 1_800_000_000_000,
    refreshToken: 'refresh',
    refreshExpiresAt: 1_900_000_000_000,
  },
  sinceMs: 0,
  openConversationId: null,
  historyEpoch: '',
};
export const me = account.user.userId;
export const pending: PendingLogOut = {
  sessionId: '77',
  serverUrl: account.serverUrl,
  deviceId: account.deviceId,
  accessToken: 'access',
  refreshToken: 'refresh',
  refreshExpiresAt: 1_900_000_000_000,
};
export const other: AccountRow = { ...account, user: { ...account.user, userId: '5', username: 'eve' } };
export const conversationId = '9223372036854775806';

export function message(convSeq: number, over: Partial<StoredMessage> = {}): StoredMessage {
  return {
    conversationId,
    convSeq,
    msgId: (9_007_199_254_740_993_000n + BigInt(convSeq)).toString(),
    senderId: convSeq % 2 === 0 ? '9007199254740993001' : '4',
    key: convSeq.toString(16).padStart(32, '0'),
    content: text(`text ${convSeq} 你好`),
    serverTimeMs: 1_800_000_000_000 + convSeq,
    countNo: Math.ceil(convSeq / 2),
    marks: noMarks,
    ...over,
  };
}

export type TextContent = Extract<MessageContent, { type: 'text' }>;

export function text(words: string, over: Partial<TextContent> = {}): TextContent {
  return { type: 'text', text: words, mentions: [], mentionAll: false, replySeq: 0, forwardedFrom: null, ...over };
}

export function edit(
  convSeq: number,
  targetSeq: number,
  words: string,
  mentions: readonly string[] = [],
): StoredMessage {
  return message(convSeq, { content: { type: 'edit', targetSeq, text: words, mentions, mentionAll: false } });
}

export function recall(convSeq: number, targetSeq: number): StoredMessage {
  return message(convSeq, { content: { type: 'recall', targetSeq }, senderId: '4' });
}

export function reaction(
  convSeq: number,
  targetSeq: number,
  senderId: string,
  emoji: string,
  removed = false,
): StoredMessage {
  return message(convSeq, { content: { type: 'reaction', targetSeq, emoji, removed }, senderId });
}

export function marks(over: Partial<Marks<string>>): Marks<string> {
  return { ...noMarks, ...over };
}

export function unsent(number: number, over: Partial<OutboxRow> = {}): OutboxRow {
  return {
    key: `f${number.toString(16).padStart(31, '0')}`,
    conversationId,
    number,
    content: text(`unsent ${number}`),
    createdMs: 1_800_000_000_000,
    failure: null,
    refusedSinceMs: null,
    ...over,
  };
}

export function conversation(over: Partial<ConversationRow> = {}): ConversationRow {
  return {
    conversationId,
    kind: 'group',
    peer: { userId: '4', username: 'alice', displayName: 'Alice' },
    headSeq: 9,
    headCountNo: 5,
    joinSeq: 1,
    readSeq: 2,
    readAckedSeq: 1,
    unreadBaseCountNo: 1,
    lastActivityMs: 1_800_000_000_009,
    peerDeliveredSeq: 0,
    peerReadSeq: 0,
    leaveSeq: 0,
    mentionSeq: 7,
    version: 12,
    settings: { ...defaultSettings, pinnedMs: 5, draft: 'elsewhere' },
    settingsPending: { archived: true, hideSeqs: [3] },
    hiddenVersion: 2,
    group: {
      name: 'Hikers 登山',
      avatarColor: 3,
      announcement: '',
      ownerId: '4',
      memberCount: 10_000,
      muteAll: false,
      joinApproval: true,
    },
    role: 1,
    mutedUntilMs: 0,
    pendingJoins: 0,
    stateSeq: 8,
    stateVersion: 11,
    noticeSeq: 9,
    tailSeq: 4,
    deliveredSeq: 4,
    deliveredAckedSeq: 4,
    ranges: [
      { from: 1, to: 4 },
      { from: 9, to: 9 },
    ],
    lastMessage: message(9),
    draft: 'draft "quoted" 完\u0000',
    position: { order: 3.5, offsetPx: -2.25, atEnd: false },
    ...over,
  };
}

export function batch(over: Partial<StoreBatch>): StoreBatch {
  return {
    durable: false,
    account: null,
    conversations: [],
    messagesCut: [],
    messages: [],
    hide: [],
    users: [],
    outboxPut: [],
    outboxRemove: [],
    ...over,
  };
}

export const all = { conversationId, fromSeq: 1, toSeq: 2 ** 52 - 1, limit: 1_000, newestFirst: false };
export const shown = { ...all, shownOnly: true };
export const seqs = (messages: readonly StoredMessage[]) => messages.map(({ convSeq }) => convSeq);

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

export function same(actual: unknown, expected: unknown): void {
  if (canonical(actual) === canonical(expected)) return;
  throw new Error(`expected ${canonical(expected)}\nbut got  ${canonical(actual)}`);
}

export async function refused(call: Promise<unknown>, kind: StoreError['kind']): Promise<void> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StoreError)) throw new Error(`expected a StoreError '${kind}', but got ${String(error)}`);
  same(error.kind, kind);
}
