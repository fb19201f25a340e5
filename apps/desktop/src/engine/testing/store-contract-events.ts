import { noMarks } from '@fastim/core';
import type { Store, StoredMessage } from '../store.ts';
import {
  account,
  all,
  batch,
  conversationId,
  edit,
  marks,
  me,
  message,
  reaction,
  recall,
  type StoreCase,
  same,
  seqs,
  shown,
  text,
} from './store-samples.ts';

/** What edits, recalls and reactions do to stored messages, in whatever order they come. */
export const eventCases: readonly StoreCase[] = [
  {
    name: 'gives an edited message its newest words, by conv_seq and not by arrival',
    async run(store) {
      const stored = await begun(store, [message(1, { content: text('first', { replySeq: 9, mentions: ['4'] }) })]);
      const words = (over: object) => ({ content: text('', { replySeq: 9, ...over }) });
      same(await stored.put([edit(5, 1, 'third', ['6'])]), [
        message(1, { ...words({ text: 'third', mentions: ['6'] }), marks: marks({ editedSeq: 5 }) }),
      ]);
      same(await stored.put([edit(4, 1, 'second')]), []);
      same(await stored.message(1), {
        ...message(1),
        ...words({ text: 'third', mentions: ['6'] }),
        marks: marks({ editedSeq: 5 }),
      });
      same(await stored.put([edit(5, 1, 'forged')]), []);
      same((await stored.message(1))?.marks, marks({ editedSeq: 5 }));
    },
  },
  {
    name: 'takes the words out of a recalled message and of its edits, and nothing changes it any more',
    async run(store) {
      const stored = await begun(store, [message(1, { content: text('secret', { mentions: ['4'], replySeq: 1 }) })]);
      await stored.put([edit(2, 1, 'secret too'), reaction(3, 1, '4', '👍')]);
      const gone = message(1, {
        content: text(''),
        marks: marks({ recalledSeq: 5, recalledBy: '4' }),
      });
      same(await stored.put([recall(5, 1)]), [gone]);
      same(await stored.put([reaction(6, 1, me, '❤️'), edit(7, 1, 'back again')]), []);
      same(await stored.message(1), gone);
      same(JSON.stringify(await store.messages(stored.generation, all)).includes('secret'), false);
      same((await stored.message(7))?.content, edit(7, 1, '').content);
    },
  },
  {
    name: 'counts each reaction once, in the order of conv_seq, however they come',
    async run(store) {
      const events = [
        reaction(2, 1, '4', '👍'),
        reaction(3, 1, me, '👍'),
        reaction(4, 1, '6', '❤️'),
        reaction(5, 1, '4', '👍', true),
        reaction(7, 1, '4', '🎉'),
        reaction(8, 1, '6', '❤️', true),
      ];
      const expected = marks({
        reactionsSeq: 8,
        reactions: [
          { emoji: '👍', count: 1, mine: true, userIds: [me] },
          { emoji: '🎉', count: 1, mine: false, userIds: ['4'] },
        ],
      });
      for (const order of [events, events.toReversed(), [3, 0, 5, 1, 4, 2].map((index) => events[index]!)]) {
        const stored = await begun(store, [message(1)]);
        for (const event of order) await stored.put([event]);
        await stored.put(events);
        same((await stored.message(1))?.marks, expected);
        const together = await begun(store, []);
        const changed = await together.put([...order, message(1)]);
        same(changed, [message(1, { marks: expected })]);
        same(await together.message(1), message(1, { marks: expected }));
      }
    },
  },
  {
    name: 'lets a message meet the events that were here before it, each above what the server had told with it',
    async run(store) {
      const stored = await begun(store, [
        edit(4, 1, 'the fourth'),
        edit(6, 2, 'the sixth'),
        reaction(7, 2, '4', '👍'),
        reaction(9, 2, me, '👍'),
        recall(8, 3),
        reaction(10, 3, '4', '👍'),
      ]);
      const told = marks({ reactionsSeq: 7, reactions: [{ emoji: '👍', count: 1, mine: false, userIds: ['4'] }] });
      const newer = marks({
        editedSeq: 12,
        reactionsSeq: 9,
        reactions: [{ emoji: '👍', count: 2, mine: true, userIds: ['4', me] }],
      });
      const changed = await stored.put([
        message(1),
        message(2, { marks: told }),
        message(3),
        // Another conversation has conv_seqs of its own.
        message(1, { conversationId: '12' }),
      ]);
      const one = message(1, { content: text('the fourth'), marks: marks({ editedSeq: 4 }) });
      const two = message(2, {
        content: text('the sixth'),
        marks: marks({ editedSeq: 6, reactionsSeq: 9, reactions: newer.reactions }),
      });
      const three = message(3, { content: text(''), marks: marks({ recalledSeq: 8, recalledBy: '4' }) });
      same(changed, [one, two, three]);
      same(await store.messages(stored.generation, { ...all, toSeq: 3 }), [one, two, three]);
      same((await store.messages(stored.generation, { ...all, conversationId: '12' }))[0]?.marks, noMarks);
      const later = await begun(store, [edit(6, 2, 'the sixth'), reaction(9, 2, me, '👍')]);
      same(await later.put([message(2, { content: text('the twelfth'), marks: newer })]), []);
    },
  },
  {
    name: 'merges what the server tells again: each aspect by its higher conv_seq',
    async run(store) {
      const stored = await begun(store, [
        message(1, { content: text('one', { replySeq: 7 }) }),
        reaction(9, 1, '4', '👍'),
      ]);
      const edited = { content: text('two', { replySeq: 7 }), marks: marks({ editedSeq: 5 }) };
      const known = { emoji: '👍', count: 1, mine: false, userIds: ['4'] };
      const after = { ...edited, marks: marks({ editedSeq: 5, reactionsSeq: 9, reactions: [known] }) };
      same(await stored.put([message(1, edited)]), [message(1, after)]);
      // An older answer that came late.
      same(await stored.put([message(1, { content: text('one', { replySeq: 7 }) })]), [message(1, after)]);
      const counted = { emoji: '👍', count: 40, mine: true, userIds: ['6'] };
      await stored.put([reaction(12, 1, '8', '👍')]);
      const more = { ...edited, marks: marks({ editedSeq: 5, reactionsSeq: 11, reactions: [counted] }) };
      same(await stored.put([message(1, more)]), [
        message(1, {
          ...edited,
          marks: marks({
            editedSeq: 5,
            reactionsSeq: 12,
            reactions: [{ ...counted, count: 41, userIds: ['6', '8'] }],
          }),
        }),
      ]);
      const recalled = { content: text(''), marks: marks({ editedSeq: 13, recalledSeq: 14, recalledBy: '4' }) };
      await stored.put([message(1, recalled)]);
      same((await stored.message(1))?.content, text(''));
      same((await stored.message(1))?.marks.recalledSeq, 14);
      await stored.put([message(1, more)]);
      same((await stored.message(1))?.content, text(''));
    },
  },
  {
    name: 'leaves alone what no event can be about: notices, events, later messages and other conversations',
    async run(store) {
      const notice = message(1, { content: { type: 'notice', action: 1, userIds: [], text: '', number: 0 } });
      const stored = await begun(store, [notice, message(6), message(1, { conversationId: '12' })]);
      same(await stored.put([edit(2, 1, 'x'), recall(3, 1), recall(4, 2), recall(5, 6), recall(7, 7)]), []);
      same(await stored.message(1), notice);
      same(await stored.message(6), message(6));
      same((await stored.message(2))?.content, edit(2, 1, 'x').content);
    },
  },
  {
    name: 'shows neither events nor what was deleted for me, also when that comes only later',
    async run(store) {
      const stored = await begun(store, [
        message(1),
        message(2),
        edit(3, 1, 'x'),
        message(4, { content: { type: 'unknown', kind: 99, body: '' } }),
        message(5, { content: { type: 'notice', action: 1, userIds: [], text: '', number: 0 } }),
      ]);
      const hide = [{ conversationId, convSeqs: [2, 7] }];
      await store.apply(stored.generation, batch({ hide }));
      await store.apply(stored.generation, batch({ hide }));
      await stored.put([reaction(6, 2, '4', '👍'), message(7), message(8), message(2, { conversationId: '12' })]);
      same(seqs(await store.messages(stored.generation, shown)), [1, 4, 5, 8]);
      same(seqs(await store.messages(stored.generation, { ...shown, limit: 2, newestFirst: true })), [5, 8]);
      same(seqs(await store.messages(stored.generation, all)), [1, 2, 3, 4, 5, 6, 7, 8]);
      same(seqs(await store.messages(stored.generation, { ...shown, conversationId: '12' })), [2]);
    },
  },
  {
    name: 'goes back behind a cut as far as it can, and takes the word of whoever knows better',
    async run(store) {
      const stored = await begun(store, [message(1), message(2), message(3), message(4)]);
      await stored.put([
        edit(5, 1, 'kept'),
        reaction(6, 2, '4', '👍'),
        edit(11, 1, 'lost'),
        reaction(12, 2, '6', '👍'),
        recall(13, 3),
        edit(14, 4, 'lost as well'),
      ]);
      const touched = await store.messages(stored.generation, { ...all, toSeq: 9, marksFrom: 10 });
      same(seqs(touched), [1, 2, 3, 4]);
      same(seqs(await store.messages(stored.generation, { ...all, toSeq: 9, marksFrom: 13 })), [3, 4]);
      const cut = await store.apply(stored.generation, batch({ messagesCut: [{ conversationId, fromSeq: 10 }] }));
      same(seqs(cut.changed), [1, 2, 3, 4]);
      const one = message(1, { content: text('kept'), marks: marks({ editedSeq: 5 }) });
      const thumb = { emoji: '👍', count: 1, mine: false, userIds: ['4'] };
      same(await stored.message(1), one);
      same(await stored.message(2), message(2, { marks: marks({ reactionsSeq: 6, reactions: [thumb] }) }));
      same(seqs(await store.messages(stored.generation, all)), [1, 2, 3, 4, 5, 6]);
      // The server's word, and the new history that goes on from there.
      const changed = await stored.put([one, message(3), message(4), edit(10, 3, 'anew'), reaction(11, 2, me, '👍')]);
      same(seqs(changed), [3, 2]);
      same(await stored.message(1), one);
      same(await stored.message(3), message(3, { content: text('anew'), marks: marks({ editedSeq: 10 }) }));
      same(await stored.message(4), message(4));
      same((await stored.message(2))?.marks.reactions, [{ ...thumb, count: 2, mine: true, userIds: ['4', me] }]);
    },
  },
  {
    name: 'takes the server’s word for a message in the same call that cut what it showed',
    async run(store) {
      const stored = await begun(store, [message(1), recall(8, 1), message(9)]);
      await store.apply(stored.generation, batch({ hide: [{ conversationId, convSeqs: [9] }] }));
      const { changed } = await store.apply(
        stored.generation,
        batch({ messagesCut: [{ conversationId, fromSeq: 8 }], messages: [message(1), message(9)] }),
      );
      same(changed, []);
      same(await store.messages(stored.generation, shown), [message(1), message(9)]);
    },
  },
];

interface Begun {
  readonly generation: number;
  /** What the store says it made of them. */
  put(messages: readonly StoredMessage[]): Promise<readonly StoredMessage[]>;
  message(convSeq: number): Promise<StoredMessage | undefined>;
}

/** An empty account with these messages, stored one by one. */
async function begun(store: Store, messages: readonly StoredMessage[]): Promise<Begun> {
  await store.close();
  const { account: before } = await store.open();
  if (before) await store.endAccount(before.generation, null);
  const generation = await store.beginAccount(account, null);
  const put = async (batchOf: readonly StoredMessage[]) =>
    (await store.apply(generation, batch({ messages: batchOf }))).changed;
  for (const one of messages) await put([one]);
  return {
    generation,
    put,
    message: async (convSeq) => (await store.messages(generation, { ...all, fromSeq: convSeq, limit: 1 }))[0],
  };
}
