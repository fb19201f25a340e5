import type { SearchQuery, Store, StoredMessage } from '../store.ts';
import {
  account,
  all,
  batch,
  conversationId,
  edit,
  marks,
  me,
  message,
  other,
  recall,
  type StoreCase,
  same,
  seqs,
  text,
} from './store-samples.ts';

/** What the full-text search finds, and what it never does. */
export const searchCases: readonly StoreCase[] = [
  {
    name: 'finds Chinese from one character on, anywhere in the words',
    async run(store) {
      const find = await filled(store, ['明天下午开会', '红包退回请查收', 'mixed 红包words', '红红的包', '会']);
      same(await find('会'), [5, 1]);
      same(await find('下午'), [1]);
      same(await find('红包'), [3, 2]);
      same(await find('退回请'), [2]);
      same(await find('包红'), []);
      same(await find('包 红'), [4, 3, 2]);
      same(await find('words'), [3]);
    },
  },
  {
    name: 'finds words without regard to case, accents and width; the last may be a beginning',
    async run(store) {
      const find = await filled(store, [
        'Hello Wörld',
        'HELL of a day',
        'world peace',
        'Ｆｕｌｌ width',
        'naïve café 🎉👍🏽',
      ]);
      same(await find('hello'), [1]);
      same(await find('hel'), [2, 1]);
      same(await find('hel wor'), []);
      same(await find('hello wor'), [1]);
      same(await find('WORLD'), [3, 1]);
      same(await find('world hello'), [1]);
      same(await find('full'), [4]);
      same(await find('ｆｕｌ'), [4]);
      same(await find('naive cafe'), [5]);
      same(await find('CAFÉ'), [5]);
      same(await find('🎉'), [5]);
      same(await find('👍'), [5]);
      same(await find('orld'), []);
    },
  },
  {
    name: 'takes every character of a query for text',
    async run(store) {
      const find = await filled(store, [
        'a "quoted" word',
        'NEAR and NOT',
        "it's 5*3 (fifteen)",
        'words : c12',
        'x\u0000y',
      ]);
      same(await find('"quoted" wo'), [1]);
      same(await find('"quoted'), [1]);
      same(await find('near'), [2]);
      same(await find('NOT'), [2]);
      same(await find('and NOT x'), []);
      same(await find("it's"), [3]);
      same(await find('5*3'), [3]);
      same(await find('(fifteen'), [3]);
      same(await find('words:c12'), [4]);
      same(await find('words : c1'), [4]);
      same(await find('x\u0000y'), [5]);
      for (const nothing of ['*', '"', '""', "'", '()', '-', '^', '{words}:', ';--', '\ud800', '%', '\\', '。']) {
        same([nothing, (await find(nothing)).length > 0], [nothing, nothing === '{words}:']);
      }
    },
  },
  {
    name: 'finds messages by their present words, and none that was recalled or deleted for me',
    async run(store) {
      const find = await filled(
        store,
        ['apple', 'apple', 'apple', 'apple', 'apple'],
        [edit(11, 1, 'pear'), recall(12, 2)],
      );
      const { generation } = find;
      same(await find('apple'), [5, 4, 3]);
      same(await find('pear'), [1]);
      await store.apply(generation, batch({ hide: [{ conversationId, convSeqs: [3, 9] }] }));
      const late = message(9, { content: text('apple') });
      const already = message(10, { content: text('apple'), marks: marks({ recalledSeq: 20, recalledBy: '4' }) });
      await store.apply(generation, batch({ messages: [late, already, edit(13, 3, 'plum')] }));
      same(await find('apple'), [5, 4]);
      same(await find('plum'), []);
      await store.apply(generation, batch({ messagesCut: [{ conversationId, fromSeq: 5 }] }));
      same(await find('apple'), [4]);
      await store.apply(generation, batch({ messages: [message(5, { content: text('melon') })] }));
      same(await find('melon'), [5]);
      await store.apply(generation, batch({ messages: [edit(6, 5, 'fig'), edit(7, 5, 'date')] }));
      same([await find('melon'), await find('fig'), await find('date')], [[], [], [5]]);
    },
  },
  {
    name: 'looks in one conversation, for one sender, between two moments, in pages without a hole',
    async run(store) {
      const words = Array.from({ length: 25 }, (_, index) => `tea number ${index + 1}`);
      const find = await filled(store, words);
      const { generation } = find;
      const elsewhere = [1, 2].map((seq) =>
        message(seq, { conversationId: '12', content: text('tea there'), senderId: '4' }),
      );
      await store.apply(generation, batch({ messages: elsewhere }));
      const moment = message(0).serverTimeMs;
      same((await find('tea')).length, 27);
      same(await find('tea', { conversationId: '12' }), [2, 1]);
      same(await find('tea', { conversationId: '13' }), []);
      same(await find('tea', { conversationId, senderId: me, fromMs: moment + 20 }), [24, 22, 20]);
      same(await find('tea', { conversationId, toMs: moment + 3 }), [3, 2, 1]);
      same(await find('tea number 7', { fromMs: moment + 7, toMs: moment + 7 }), [7]);
      same(await find('', { senderId: '4', conversationId: '12' }), [2, 1]);
      same(await find(' '), []);
      same(await find('!?', { conversationId }), []);
      const pages: number[] = [];
      let before: StoredMessage | undefined;
      for (;;) {
        const query: SearchQuery = { query: 'tea num', limit: 10, ...(before && { before }) };
        const page = await store.search(generation, query);
        pages.push(...seqs(page));
        before = page.at(-1);
        if (page.length < 10) break;
      }
      same(pages, seqs(await store.messages(generation, all)).reverse());
    },
  },
  {
    name: 'pages through messages of one and the same moment',
    async run(store) {
      const find = await filled(store, []);
      const same_ms = [1, 2, 3, 4].map((seq) => message(seq, { serverTimeMs: 5, content: text('at once') }));
      await store.apply(find.generation, batch({ messages: same_ms }));
      const first = await store.search(find.generation, { query: 'at once', limit: 2 });
      same(seqs(first), [4, 3]);
      const next = await store.search(find.generation, { query: 'at once', limit: 9, before: first[1]! });
      same(seqs(next), [2, 1]);
    },
  },
  {
    name: 'finds nothing of an account that is gone',
    async run(store) {
      const find = await filled(store, ['only mine']);
      same(await find('mine'), [1]);
      const next = await store.beginAccount(other, null);
      same(await store.search(next, { query: 'mine', limit: 9 }), []);
      await store.apply(next, batch({ messages: [message(2, { content: text('mine now') })] }));
      same(seqs(await store.search(next, { query: 'mine', limit: 9 })), [2]);
    },
  },
];

type Find = ((query: string, over?: Partial<SearchQuery>) => Promise<number[]>) & { readonly generation: number };

/** An account with these texts, from conv_seq 1 on, and a search that tells conv_seqs. */
async function filled(store: Store, words: readonly string[], more: readonly StoredMessage[] = []): Promise<Find> {
  await store.open();
  const generation = await store.beginAccount(account, null);
  const messages = words.map((one, index) => message(index + 1, { content: text(one) }));
  await store.apply(generation, batch({ messages: [...messages, ...more] }));
  const find = async (query: string, over: Partial<SearchQuery> = {}) =>
    seqs(await store.search(generation, { query, limit: 100, ...over }));
  return Object.assign(find, { generation });
}
