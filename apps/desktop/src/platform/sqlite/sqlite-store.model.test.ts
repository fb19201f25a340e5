import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noMarks } from '@fastim/core';
import { seededRandom } from '@fastim/core/testing';
import { expect, it } from 'vitest';
import { runs } from '../../../../../scripts/test-scale.ts';
import type { MessageContent, SearchQuery, StoreBatch, StoredMessage } from '../../engine/store.ts';
import { MemoryStore } from '../../engine/testing/memory-store.ts';
import { account, batch, me, text } from '../../engine/testing/store-samples.ts';
import { SqliteDatabase } from './sqlite-database.ts';

const vocabulary = ['会', '红包', 'Hello', 'hell', 'wörld', '🎉', 'a-b', '', '"x"', '明天 meeting'];
const conversations = ['7', '9223372036854775806'];

/** Some batches of anything: messages in any order and again, events, cuts, what is hidden, and searches between. */
function story(seed: number) {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const words = () => Array.from({ length: below(4) }, () => pick(vocabulary)).join(' ');

  const content = (convSeq: number): MessageContent => {
    const targetSeq = 1 + below(Math.max(1, convSeq));
    switch (below(10)) {
      case 0:
        return { type: 'recall', targetSeq };
      case 1:
      case 2:
        return { type: 'edit', targetSeq, text: words(), mentions: [], mentionAll: false };
      case 3:
      case 4:
        return { type: 'reaction', targetSeq, emoji: pick(['👍', '❤️']), removed: random() < 0.3 };
      case 5:
        return { type: 'notice', action: 1, userIds: [], text: words(), number: 0 };
      default:
        return text(words());
    }
  };
  /** The same place always has the same message, but for what the server says events made of it. */
  const messages = new Map<string, StoredMessage>();
  const message = (conversationId: string): StoredMessage => {
    const convSeq = 1 + below(30);
    const place = `${conversationId} ${convSeq}`;
    let one = messages.get(place);
    if (!one) {
      one = {
        conversationId,
        convSeq,
        msgId: `${1_000 + messages.size}`,
        senderId: pick([me, '4', '6']),
        key: convSeq.toString(16).padStart(32, '0'),
        content: content(convSeq),
        serverTimeMs: 1_800_000_000_000 + convSeq,
        countNo: convSeq,
        marks: noMarks,
      };
      messages.set(place, one);
    }
    if (one.content.type !== 'text' || random() < 0.8) return one;
    const editedSeq = random() < 0.5 ? convSeq + below(20) + 1 : 0;
    const reactionsSeq = convSeq + below(20) + 1;
    const reactions = random() < 0.5 ? [{ emoji: '👍', count: 3, mine: false, userIds: ['6'] }] : [];
    return {
      ...one,
      content: editedSeq > 0 ? { ...one.content, text: words() } : one.content,
      marks: { ...noMarks, editedSeq, reactionsSeq, reactions },
    };
  };
  const next = (): StoreBatch => {
    const conversationId = pick(conversations);
    const convSeqs = [1 + below(30), 1 + below(30)];
    return batch({
      messages: Array.from({ length: below(6) }, () => message(conversationId)),
      messagesCut: random() < 0.1 ? [{ conversationId, fromSeq: 1 + below(30) }] : [],
      hide: random() < 0.1 ? [{ conversationId, convSeqs }] : [],
    });
  };
  const query = (): SearchQuery => ({
    query: words(),
    limit: 1 + below(20),
    ...(random() < 0.5 && { conversationId: pick(conversations) }),
    ...(random() < 0.3 && { senderId: pick([me, '4']) }),
    ...(random() < 0.3 && { fromMs: 1_800_000_000_000 + below(30) }),
    ...(random() < 0.3 && { toMs: 1_800_000_000_000 + below(30) }),
  });
  return { next, query };
}

it('does what the store in memory does, whatever happens', async () => {
  for (let seed = 1; seed <= runs(20); seed += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'fastim-model-'));
    const sqlite = new SqliteDatabase(folder);
    const memory = new MemoryStore();
    await memory.open();
    const generation = await memory.beginAccount(account, null);
    expect(sqlite.beginAccount(account, null)).toBe(generation);
    const { next, query } = story(seed);
    for (let step = 0; step < 60; step += 1) {
      const change = next();
      const changed = await memory.apply(generation, change);
      expect([seed, step, sqlite.apply(generation, change)]).toEqual([seed, step, changed]);
      const sought = query();
      const found = await memory.search(generation, sought);
      expect([seed, step, sought, sqlite.search(generation, sought)]).toEqual([seed, step, sought, found]);
    }
    for (const conversationId of conversations) {
      for (const shownOnly of [true, false]) {
        const all = { conversationId, fromSeq: 1, toSeq: 99, limit: 99, newestFirst: false, shownOnly };
        expect(sqlite.messages(generation, all)).toEqual(await memory.messages(generation, all));
      }
    }
    sqlite.close();
    rmSync(folder, { recursive: true });
  }
});
