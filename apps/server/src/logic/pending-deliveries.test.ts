import { describe, expect, it } from 'vitest';
import { PendingDeliveries } from './pending-deliveries.ts';

const options = { timeoutMs: 10_000, retries: 3, perConnection: 3 };
const piece = (number: number): Uint8Array => new Uint8Array([number]);

describe('PendingDeliveries', () => {
  it('has nothing due once the cursor reached what was pushed', () => {
    const pending = new PendingDeliveries<string>(options);
    pending.pushed('c1', 9n, 5, piece(5), 1, 0);
    pending.acknowledged('c1', 9n, 5, 100);
    expect(pending.due(1_000_000)).toEqual([]);
    expect(pending.size).toBe(0);
    expect(pending.nextTimeout()).toBeUndefined();
  });

  it('notifies again with the newest message, as often as configured, then wants the connection closed', () => {
    const pending = new PendingDeliveries<string>(options);
    pending.pushed('c1', 9n, 5, piece(5), 51, 0);
    pending.pushed('c1', 9n, 6, piece(6), 61, 4_000);
    expect(pending.due(9_999)).toEqual([]);
    const notify = { connection: 'c1', conversationId: 9n, seq: 6, action: 'notify', piece: piece(6), logId: 61 };
    expect(pending.due(10_000)).toEqual([{ ...notify, attempt: 1 }]);
    expect(pending.due(19_999)).toEqual([]);
    expect(pending.due(20_000)).toEqual([{ ...notify, attempt: 2 }]);
    expect(pending.due(30_000)).toEqual([{ ...notify, attempt: 3 }]);
    expect(pending.due(40_000)).toEqual([{ connection: 'c1', conversationId: 9n, seq: 6, action: 'close' }]);
    expect(pending.due(1_000_000)).toEqual([]);
  });

  it('gives a client that makes progress its full time again', () => {
    const pending = new PendingDeliveries<string>(options);
    pending.pushed('c1', 9n, 5, piece(5), 1, 0);
    expect(pending.due(10_000)).toHaveLength(1);
    pending.pushed('c1', 9n, 8, piece(8), 1, 11_000);
    pending.acknowledged('c1', 9n, 5, 12_000);
    expect(pending.due(21_999)).toEqual([]);
    expect(pending.due(22_000)).toMatchObject([{ seq: 8, attempt: 1 }]);
  });

  it('does not take the same cursor again for progress', () => {
    const pending = new PendingDeliveries<string>(options);
    pending.pushed('c1', 9n, 5, piece(5), 1, 0);
    pending.acknowledged('c1', 9n, 4, 1_000);
    for (let now = 2_000; now < 11_000; now += 1_000) pending.acknowledged('c1', 9n, 4, now);
    expect(pending.due(11_000)).toMatchObject([{ action: 'notify' }]);
  });

  it('watches each conversation for itself: an answer for one is none for the other', () => {
    const pending = new PendingDeliveries<string>(options);
    pending.pushed('c1', 9n, 5, piece(5), 1, 0);
    pending.pushed('c1', 10n, 7, piece(7), 1, 1);
    pending.acknowledged('c1', 9n, 5, 2);
    expect(pending.due(10_001)).toMatchObject([{ conversationId: 10n }]);
  });

  it('wants a connection closed once, whatever else it owes', () => {
    const pending = new PendingDeliveries<string>({ ...options, retries: 0 });
    pending.pushed('c1', 9n, 5, piece(5), 1, 0);
    pending.pushed('c1', 10n, 5, piece(5), 1, 0);
    pending.pushed('c2', 9n, 5, piece(5), 1, 0);
    expect(pending.due(10_000)).toMatchObject([
      { connection: 'c1', action: 'close' },
      { connection: 'c2', action: 'close' },
    ]);
    expect(pending.size).toBe(0);
  });

  it('forgets what a connection that is gone owed', () => {
    const pending = new PendingDeliveries<string>(options);
    pending.pushed('c1', 9n, 5, piece(5), 1, 0);
    pending.pushed('c2', 9n, 5, piece(5), 1, 0);
    pending.forget('c1');
    expect(pending.due(10_000)).toMatchObject([{ connection: 'c2' }]);
  });

  it('is bounded per connection, and goes on watching what it watches', () => {
    const pending = new PendingDeliveries<string>(options);
    for (let id = 1n; id <= 100n; id += 1n) pending.pushed('c1', id, 1, piece(1), 1, 0);
    pending.pushed('c2', 1n, 1, piece(1), 1, 0);
    expect(pending.size).toBe(options.perConnection + 1);
    pending.acknowledged('c1', 1n, 1, 1);
    pending.pushed('c1', 100n, 2, piece(2), 1, 1);
    expect(pending.size).toBe(options.perConnection + 1);
  });

  it('names the next time at which something is due', () => {
    const pending = new PendingDeliveries<string>(options);
    pending.pushed('c1', 9n, 5, piece(5), 1, 100);
    pending.pushed('c2', 9n, 5, piece(5), 1, 200);
    expect(pending.nextTimeout()).toBe(10_100);
    pending.acknowledged('c1', 9n, 5, 300);
    expect(pending.nextTimeout()).toBe(10_200);
  });
});
