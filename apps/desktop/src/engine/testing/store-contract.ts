import type { StoredMessage } from '../store.ts';
import { eventCases } from './store-contract-events.ts';
import { searchCases } from './store-contract-search.ts';
import {
  account,
  all,
  batch,
  conversation,
  conversationId,
  marks,
  me,
  message,
  other,
  pending,
  refused,
  type StoreCase,
  same,
  seqs,
  text,
  unsent,
} from './store-samples.ts';

const basics: readonly StoreCase[] = [
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
      const strange = message(9, { content: { type: 'unknown', kind: 99, body: 'AAH/' } });
      const marked = message(3, {
        content: text('edited 改', { mentions: ['4', me], mentionAll: true, replySeq: 1, forwardedFrom: '4' }),
        marks: marks({
          editedSeq: 7,
          reactionsSeq: 8,
          reactions: [{ emoji: '👍🏽', count: 31, mine: true, userIds: ['4', me] }],
        }),
      });
      const notice = message(5, {
        content: { type: 'notice', action: 2, userIds: ['4'], text: 'Hikers', number: 1_900_000_000_000 },
      });
      const carol = { userId: '6', username: 'carol', displayName: 'Carol' };
      await store.apply(
        generation,
        batch({
          account: { sinceMs: 55, openConversationId: conversationId, historyEpoch: '18446744073709551615' },
          conversations: [conversation()],
          messages: [message(1), strange, message(2), marked, notice],
          users: [carol, { ...carol, userId: '8', displayName: 'Dave' }],
          outboxPut: [unsent(2), unsent(1, { failure: 'NOT_ALLOWED', refusedSinceMs: 1_800_000_000_001 })],
        }),
      );
      await store.close();
      const next = another();
      const contents = await next.open();
      same(contents.profile, { deviceId: account.deviceId, settings, lastServerUrl: 'https://chat.example' });
      const row = {
        ...account,
        sinceMs: 55,
        openConversationId: conversationId,
        historyEpoch: '18446744073709551615',
      };
      same(contents.account, { generation, row });
      const loaded = await next.load(generation);
      same(loaded.account, row);
      same(loaded.conversations, [conversation()]);
      same(loaded.outbox, [unsent(1, { failure: 'NOT_ALLOWED', refusedSinceMs: 1_800_000_000_001 }), unsent(2)]);
      same(
        loaded.users.toSorted((a, b) => (a.userId < b.userId ? -1 : 1)),
        [carol, { ...carol, userId: '8', displayName: 'Dave' }],
      );
      same(await next.messages(generation, all), [message(1), message(2), marked, notice, strange]);
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
        batch({
          messages: [message(1)],
          outboxPut: [unsent(1)],
          conversations: [conversation()],
          users: [{ userId: '4', username: 'alice', displayName: 'Alice' }],
        }),
      );
      await store.apply(
        generation,
        batch({
          messages: [message(1, { content: text('forged') })],
          users: [{ userId: '4', username: 'alice', displayName: 'newer' }],
          outboxPut: [unsent(1, { failure: 'NOT_A_MEMBER' })],
          conversations: [conversation({ draft: 'newer', ranges: [] })],
          outboxRemove: ['nobody'],
        }),
      );
      same((await store.messages(generation, all))[0]?.content, text('text 1 你好'));
      const { outbox, conversations, users } = await store.load(generation);
      same(outbox, [unsent(1, { failure: 'NOT_A_MEMBER' })]);
      same(conversations, [conversation({ draft: 'newer', ranges: [] })]);
      same(users, [{ userId: '4', username: 'alice', displayName: 'newer' }]);
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
      const instead = message(3, { content: text('another'), msgId: '7' });
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
      same(loaded, { account: other, conversations: [], outbox: [], users: [] });
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
        account: { sinceMs: 7, openConversationId: '3', historyEpoch: '5' },
      });
      await store.apply(first, kept);
      const session = { ...account.session, sessionId: '78', accessToken: 'newer' };
      const second = await store.beginAccount({ ...account, session }, null);
      const loaded = await store.load(second);
      same(loaded.account, { ...account, session, sinceMs: 7, openConversationId: '3', historyEpoch: '5' });
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

/** Every promise of the Store; any driver has to pass all of them. */
export const storeContract: readonly StoreCase[] = [...basics, ...eventCases, ...searchCases];
export type { StoreCase };
