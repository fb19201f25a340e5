import { emptyRow } from '../conversation-rows.ts';
import {
  type AccountRow,
  type ConversationRow,
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

const account: AccountRow = {
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
};
const pending: PendingLogOut = {
  sessionId: '77',
  serverUrl: account.serverUrl,
  deviceId: account.deviceId,
  accessToken: 'access',
  refreshToken: 'refresh',
  refreshExpiresAt: 1_900_000_000_000,
};
const other: AccountRow = { ...account, user: { ...account.user, userId: '5', username: 'eve' } };
const conversationId = '9223372036854775806';

function message(convSeq: number, over: Partial<StoredMessage> = {}): StoredMessage {
  return {
    conversationId,
    convSeq,
    msgId: (9_007_199_254_740_993_000n + BigInt(convSeq)).toString(),
    senderId: convSeq % 2 === 0 ? '9007199254740993001' : '4',
    key: convSeq.toString(16).padStart(32, '0'),
    kind: 1,
    text: `text ${convSeq} 你好`,
    body: null,
    serverTimeMs: 1_800_000_000_000 + convSeq,
    countNo: Math.ceil(convSeq / 2),
    ...over,
  };
}

function unsent(number: number, over: Partial<OutboxRow> = {}): OutboxRow {
  return {
    key: `f${number.toString(16).padStart(31, '0')}`,
    conversationId,
    number,
    kind: 1,
    text: `unsent ${number}`,
    createdMs: 1_800_000_000_000,
    failure: null,
    refusedSinceMs: null,
    ...over,
  };
}

function conversation(over: Partial<ConversationRow> = {}): ConversationRow {
  return {
    ...emptyRow(conversationId),
    peer: { userId: '4', username: 'alice', displayName: 'Alice' },
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

function batch(over: Partial<StoreBatch>): StoreBatch {
  return {
    durable: false,
    account: null,
    conversations: [],
    messagesCut: [],
    messages: [],
    outboxPut: [],
    outboxRemove: [],
    ...over,
  };
}

const all = { conversationId, fromSeq: 1, toSeq: 2 ** 52 - 1, limit: 1_000, newestFirst: false };
const seqs = (messages: readonly StoredMessage[]) => messages.map(({ convSeq }) => convSeq);

export const storeContract: readonly StoreCase[] = [
  {
    name: 'begins empty, and says so again after it was closed and opened',
    async run(store) {
      const empty = {
        profile: { deviceId: null, settings: null, lastServerUrl: null },
        account: null,
        pendingLogOuts: [],
      };
      same(await store.open(), empty);
      await store.close();
      await store.close();
      same(await store.open(), empty);
    },
  },
  {
    name: 'keeps what was stored over a close, value for value',
    async run(store, another) {
      await store.open();
      const settings = { theme: 'dark', language: 'zh-CN', sendKey: 'ctrl-enter' } as const;
      await store.saveProfile({ deviceId: account.deviceId, settings });
      await store.saveProfile({ lastServerUrl: 'https://chat.example' });
      const generation = await store.beginAccount(account, null);
      const strange = message(9, { kind: 99, text: '', body: new Uint8Array([0, 1, 255]) });
      await store.apply(
        generation,
        batch({
          account: { sinceMs: 55, openConversationId: conversationId },
          conversations: [conversation()],
          messages: [message(1), strange, message(2), message(3)],
          outboxPut: [unsent(2), unsent(1, { failure: 'NOT_ALLOWED', refusedSinceMs: 1_800_000_000_001 })],
        }),
      );
      await store.close();
      const next = another();
      const contents = await next.open();
      same(contents.profile, { deviceId: account.deviceId, settings, lastServerUrl: 'https://chat.example' });
      const row = { ...account, sinceMs: 55, openConversationId: conversationId };
      same(contents.account, { generation, row });
      const loaded = await next.load(generation);
      same(loaded.account, row);
      same(loaded.conversations, [conversation()]);
      same(loaded.outbox, [unsent(1, { failure: 'NOT_ALLOWED', refusedSinceMs: 1_800_000_000_001 }), unsent(2)]);
      same(await next.messages(generation, all), [message(1), message(2), message(3), strange]);
    },
  },
  {
    name: 'lets in one at a time, and the next when that one is closed',
    async run(store, another) {
      await store.open();
      const second = another();
      await refused(second.open(), 'in-use');
      await refused(second.saveProfile({ deviceId: 'x' }), 'closed');
      await store.close();
      await refused(store.saveProfile({ deviceId: 'x' }), 'closed');
      await second.open();
    },
  },
  {
    name: 'applies a batch whole or not at all',
    async run(store) {
      await store.open();
      const generation = await store.beginAccount(account, null);
      await store.apply(generation, batch({ messages: [message(1)], outboxPut: [unsent(1)], durable: true }));
      await store.apply(
        generation,
        batch({ messages: [message(2)], outboxRemove: [unsent(1).key], conversations: [conversation()] }),
      );
      // A value that cannot be stored, last in the batch.
      const bad = { ...message(4), msgId: undefined } as unknown as StoredMessage;
      const failing = batch({ messages: [message(3), bad], outboxPut: [unsent(5)], account: { sinceMs: 9 } });
      const failed = await store.apply(generation, failing).then(
        () => false,
        () => true,
      );
      const { outbox, account: row } = await store.load(generation);
      // A store in memory takes any value: then all of it is there.
      same(outbox, failed ? [] : [unsent(5)]);
      same(row.sinceMs, failed ? 0 : 9);
      same(seqs(await store.messages(generation, all)), failed ? [1, 2] : [1, 2, 3, 4]);
    },
  },
  {
    name: 'does calls in the order in which they were made',
    async run(store) {
      await store.open();
      const generation = await store.beginAccount(account, null);
      const writes = Array.from({ length: 50 }, (_, index) =>
        store.apply(
          generation,
          batch({ conversations: [conversation({ readSeq: index })], messages: [message(index + 1)] }),
        ),
      );
      const read = store.messages(generation, all);
      const late = store.apply(generation, batch({ messages: [message(51)] }));
      await Promise.all(writes);
      same((await read).length, 50);
      await late;
      same((await store.load(generation)).conversations[0]?.readSeq, 49);
    },
  },
  {
    name: 'leaves a message that is there as it is, and replaces rows of the same key',
    async run(store) {
      await store.open();
      const generation = await store.beginAccount(account, null);
      await store.apply(
        generation,
        batch({ messages: [message(1)], outboxPut: [unsent(1)], conversations: [conversation()] }),
      );
      await store.apply(
        generation,
        batch({
          messages: [message(1, { text: 'forged' })],
          outboxPut: [unsent(1, { failure: 'NOT_A_MEMBER' })],
          conversations: [conversation({ draft: 'newer', ranges: [] })],
          outboxRemove: ['nobody'],
        }),
      );
      same((await store.messages(generation, all))[0]?.text, 'text 1 你好');
      const { outbox, conversations } = await store.load(generation);
      same(outbox, [unsent(1, { failure: 'NOT_A_MEMBER' })]);
      same(conversations, [conversation({ draft: 'newer', ranges: [] })]);
    },
  },
  {
    name: 'removes messages from a place on, before it adds those of the same call, and none elsewhere',
    async run(store) {
      await store.open();
      const generation = await store.beginAccount(account, null);
      const elsewhere = message(5, { conversationId: '12' });
      const four = [1, 2, 3, 4].map((seq) => message(seq));
      await store.apply(generation, batch({ messages: [...four, elsewhere] }));
      const instead = message(3, { text: 'another', msgId: '7' });
      const cut = [{ conversationId, fromSeq: 3 }];
      await store.apply(generation, batch({ messagesCut: cut, messages: [instead] }));
      same(await store.messages(generation, all), [message(1), message(2), instead]);
      same(await store.messages(generation, { ...all, conversationId: '12' }), [elsewhere]);
    },
  },
  {
    name: 'finds messages by range, end, sender and count_no',
    async run(store) {
      await store.open();
      const generation = await store.beginAccount(account, null);
      const messages = Array.from({ length: 20 }, (_, index) => message(index + 1));
      const elsewhere = message(5, { conversationId: '12' });
      await store.apply(generation, batch({ messages: [...messages.toReversed(), elsewhere] }));
      const find = async (over: object) => seqs(await store.messages(generation, { ...all, ...over }));
      same(await find({ fromSeq: 3, toSeq: 6 }), [3, 4, 5, 6]);
      same(await find({ limit: 3 }), [1, 2, 3]);
      same(await find({ limit: 3, newestFirst: true }), [18, 19, 20]);
      same(await find({ fromSeq: 4, toSeq: 11, limit: 2, newestFirst: true }), [10, 11]);
      same(await find({ senderId: '9007199254740993001', toSeq: 7 }), [2, 4, 6]);
      same(await find({ countNoAbove: 8, limit: 2 }), [17, 18]);
      same(await find({ fromSeq: 30 }), []);
      same(await find({ conversationId: '12' }), [5]);
    },
  },
  {
    name: 'gives each account a new generation, and refuses what is for an earlier one',
    async run(store, another) {
      await store.open();
      const first = await store.beginAccount(account, null);
      await store.apply(
        first,
        batch({ messages: [message(1)], outboxPut: [unsent(1)], conversations: [conversation()] }),
      );
      const second = await store.beginAccount(other, pending);
      await refused(store.apply(first, batch({ messages: [message(2)] })), 'stale');
      await refused(store.load(first), 'stale');
      await refused(store.messages(first, all), 'stale');
      await refused(store.endAccount(first, null), 'stale');
      const loaded = await store.load(second);
      same(loaded, { account: other, conversations: [], outbox: [] });
      same(await store.messages(second, all), []);
      await store.close();
      const next = another();
      const contents = await next.open();
      same(contents.pendingLogOuts, [pending]);
      await next.endAccount(second, null);
      await refused(next.load(second), 'stale');
      const third = await next.beginAccount(account, null);
      same(third > second && second > first, true);
      same((await next.load(third)).outbox, []);
    },
  },
  {
    name: 'keeps the data of the same user at the same server, with the new session',
    async run(store) {
      await store.open();
      const first = await store.beginAccount(account, null);
      const kept = batch({
        messages: [message(1)],
        outboxPut: [unsent(1)],
        account: { sinceMs: 7, openConversationId: '3' },
      });
      await store.apply(first, kept);
      const session = { ...account.session, sessionId: '78', accessToken: 'newer' };
      const second = await store.beginAccount({ ...account, session }, null);
      const loaded = await store.load(second);
      same(loaded.account, { ...account, session, sinceMs: 7, openConversationId: '3' });
      same(loaded.outbox, [unsent(1)]);
      same(seqs(await store.messages(second, all)), [1]);
      const elsewhere = await store.beginAccount({ ...account, serverUrl: 'https://other.example' }, null);
      same((await store.load(elsewhere)).outbox, []);
    },
  },
  {
    name: 'removes an account whole and remembers the log-out until it is taken off',
    async run(store, another) {
      await store.open();
      const generation = await store.beginAccount(account, null);
      await store.apply(generation, batch({ messages: [message(1)], conversations: [conversation()] }));
      await store.endAccount(generation, pending);
      await store.putPendingLogOut({ ...pending, sessionId: '78' });
      await store.putPendingLogOut({ ...pending, refreshToken: 'rotated' });
      await store.close();
      const next = another();
      const contents = await next.open();
      same(contents.account, null);
      same(
        contents.pendingLogOuts.toSorted((a, b) => (a.sessionId < b.sessionId ? -1 : 1)),
        [
          { ...pending, refreshToken: 'rotated' },
          { ...pending, sessionId: '78' },
        ],
      );
      await next.removePendingLogOut('77');
      await next.removePendingLogOut('77');
      await next.close();
      same((await another().open()).pendingLogOuts.length, 1);
    },
  },
];

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner instanceof Uint8Array) return { bytes: [...inner] };
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function same(actual: unknown, expected: unknown): void {
  if (canonical(actual) === canonical(expected)) return;
  throw new Error(`expected ${canonical(expected)}\nbut got  ${canonical(actual)}`);
}

async function refused(call: Promise<unknown>, kind: StoreError['kind']): Promise<void> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof StoreError)) throw new Error(`expected a StoreError '${kind}', but got ${String(error)}`);
  same(error.kind, kind);
}
