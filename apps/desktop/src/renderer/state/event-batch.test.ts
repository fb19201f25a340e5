import { describe, expect, test, vi } from 'vitest';
import { conversationView, messageView } from '../fixture/fake-views.ts';
import { createTestTime } from '../testing/render-ui.tsx';
import { createEventBatch } from './event-batch.ts';

function setUp() {
  const time = createTestTime();
  const apply = { conversations: vi.fn(), messages: vi.fn() };
  return { time, apply, batch: createEventBatch(time.schedule, apply) };
}

const message = (convSeq: number, text: string) =>
  messageView({ key: String(convSeq), conversationId: '7', convSeq, senderId: '2', timeMs: 0, text });

describe('gathered events', () => {
  test('are handed on once, with the last value of each thing, in order', () => {
    const { time, apply, batch } = setUp();
    batch.messages({ conversationId: '7', changed: [message(2, 'b'), message(3, 'c')], removed: [] });
    batch.messages({ conversationId: '7', changed: [message(1, 'a'), message(2, 'b, edited')], removed: [] });
    batch.conversations([conversationView({ conversationId: '7', title: 'old' })]);
    batch.conversations([conversationView({ conversationId: '7', title: 'new' })]);
    expect(apply.messages).not.toHaveBeenCalled();
    time.advance(100);
    expect(apply.messages).toHaveBeenCalledOnce();
    const [{ changed }] = apply.messages.mock.calls[0]!;
    expect(changed.map(({ text }: { text: string }) => text)).toEqual(['a', 'b, edited', 'c']);
    expect(apply.conversations.mock.calls).toMatchObject([[[{ title: 'new' }]]]);
  });

  test('of a message that went and came again are what came last', () => {
    const { apply, batch } = setUp();
    batch.messages({ conversationId: '7', changed: [message(1, 'a')], removed: [] });
    batch.messages({ conversationId: '7', changed: [], removed: ['1'] });
    batch.flush();
    expect(apply.messages.mock.calls[0]).toEqual([{ conversationId: '7', changed: [], removed: ['1'] }]);
    batch.messages({ conversationId: '7', changed: [], removed: ['2'] });
    batch.messages({ conversationId: '7', changed: [message(2, 'again')], removed: [] });
    batch.flush();
    expect(apply.messages.mock.calls[1]).toMatchObject([{ changed: [{ text: 'again' }], removed: [] }]);
  });

  test('that are forgotten are never handed on', () => {
    const { time, apply, batch } = setUp();
    batch.conversations([conversationView({ conversationId: '7', title: 'x' })]);
    batch.forget();
    time.advance(1000);
    expect(apply.conversations).not.toHaveBeenCalled();
  });
});
