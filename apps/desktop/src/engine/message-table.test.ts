import { noMarks } from '@fastim/core';
import { seededRandom } from '@fastim/core/testing';
import { expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { isEventContent, withEvent } from './message-content.ts';
import type { MessageContent, StoredMessage } from './store.ts';
import { MemoryStore } from './testing/memory-store.ts';
import { account, all, batch, me, message, text } from './testing/store-samples.ts';

const users = [me, '4', '6'];

/** A conversation as a server writes it: only events that its rules let through. */
function written(random: () => number, length: number): StoredMessage[] {
  const below = (limit: number) => Math.floor(random() * limit);
  const log: StoredMessage[] = [];
  const now: StoredMessage[] = [];
  while (log.length < length) {
    const convSeq = log.length + 1;
    const senderId = users[below(users.length)]!;
    const target = now[below(now.length)];
    let content: MessageContent = text(`words ${convSeq}`);
    if (target?.content.type === 'text' && target.marks.recalledSeq === 0 && random() < 0.7) {
      const targetSeq = target.convSeq;
      const emoji = ['👍', '❤️'][below(2)]!;
      const reacted = target.marks.reactions.find((one) => one.emoji === emoji)?.userIds.includes(senderId) ?? false;
      const kind = random();
      if (kind < 0.6) content = { type: 'reaction', targetSeq, emoji, removed: reacted };
      else if (kind < 0.9)
        content = { type: 'edit', targetSeq, text: `edit ${convSeq}`, mentions: [], mentionAll: false };
      else content = { type: 'recall', targetSeq };
    }
    const next = message(convSeq, { content, senderId });
    log.push(next);
    now.push(next);
    if (isEventContent(content)) now[content.targetSeq - 1] = withEvent(now[content.targetSeq - 1]!, next, me);
  }
  return log;
}

/** What a server that has the first `head` of them tells of the one at `convSeq`. */
function asOf(log: readonly StoredMessage[], convSeq: number, head: number): StoredMessage {
  let now = log[convSeq - 1]!;
  for (const event of log.slice(0, head)) {
    if (isEventContent(event.content) && event.content.targetSeq === convSeq) now = withEvent(now, event, me);
  }
  const { recalledSeq, recalledBy } = now.marks;
  if (recalledSeq > 0) return { ...now, marks: { ...noMarks, recalledSeq, recalledBy } };
  if (now.content.type !== 'edit') return now;
  const isRecalled = asOf(log, now.content.targetSeq, head).marks.recalledSeq > 0;
  return isRecalled ? { ...now, content: { ...now.content, text: '' } } : now;
}

it('ends with what the server has, in whatever order and form, and however often, messages came', async () => {
  for (let seed = 1; seed <= runs(150); seed += 1) {
    const random = seededRandom(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const log = written(random, 12);
    const store = new MemoryStore();
    await store.open();
    const generation = await store.beginAccount(account, null);
    const left = new Set(log.map(({ convSeq }) => convSeq));
    while (left.size > 0) {
      const messages: StoredMessage[] = [];
      for (let count = 1 + below(5); count > 0; count -= 1) {
        const convSeq = 1 + below(log.length);
        // A push has no marks; a page has those of its moment.
        messages.push(random() < 0.5 ? log[convSeq - 1]! : asOf(log, convSeq, convSeq + below(log.length)));
        left.delete(convSeq);
      }
      const { changed } = await store.apply(generation, batch({ messages }));
      const stored = new Map((await store.messages(generation, all)).map((one) => [one.convSeq, one]));
      for (const one of changed) expect(one).toEqual(stored.get(one.convSeq));
    }
    const expected = log.map(({ convSeq }) => asOf(log, convSeq, log.length));
    expect([seed, await store.messages(generation, all)]).toEqual([seed, expected]);
  }
});
