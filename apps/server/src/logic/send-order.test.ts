import { describe, expect, it } from 'vitest';
import { LANE_PATIENCE_MS, SendOrder } from './send-order.ts';
import { clientMsgId } from './testing/logic-harness.ts';

const connection = { gateId: 'gate-1', connectionId: 1 };
const [first, second, third] = [1, 2, 3].map(clientMsgId) as [Uint8Array, Uint8Array, Uint8Array];

describe('SendOrder', () => {
  it('holds what comes behind a refused message until that one comes again', () => {
    const order = new SendOrder();
    order.refused(connection, 9n, first, { reason: 'RATE_LIMITED', retryAfterMs: 100 }, 0);
    expect(order.hold(connection, 9n, second, 1)?.reason).toBe('RATE_LIMITED');
    expect(order.hold(connection, 9n, third, 1)?.reason).toBe('RATE_LIMITED');
    expect(order.hold(connection, 9n, first, 2)).toBeUndefined();
    expect(order.hold(connection, 9n, second, 2)).toBeUndefined();
    expect(order.size).toBe(0);
  });

  it('tells those behind it to come when it is to come itself', () => {
    const order = new SendOrder();
    order.refused(connection, 9n, first, { reason: 'RATE_LIMITED', retryAfterMs: 500 }, 1_000);
    expect(order.hold(connection, 9n, second, 1_100)).toEqual({ reason: 'RATE_LIMITED', retryAfterMs: 400 });
    expect(order.hold(connection, 9n, second, 1_600)).toEqual({ reason: 'RATE_LIMITED', retryAfterMs: 1 });
  });

  it('waits for the oldest of several refused messages', () => {
    const order = new SendOrder();
    for (const id of [first, second, third])
      order.refused(connection, 9n, id, { reason: 'OVERLOADED', retryAfterMs: 100 }, 0);
    expect(order.hold(connection, 9n, second, 1)?.reason).toBe('OVERLOADED');
    expect(order.hold(connection, 9n, first, 1)).toBeUndefined();
  });

  it('leaves other conversations and other connections alone', () => {
    const order = new SendOrder();
    order.refused(connection, 9n, first, { reason: 'OVERLOADED', retryAfterMs: 100 }, 0);
    expect(order.hold(connection, 10n, second, 1)).toBeUndefined();
    expect(order.hold({ gateId: 'gate-1', connectionId: 2 }, 9n, second, 1)).toBeUndefined();
    expect(order.hold({ gateId: 'gate-2', connectionId: 1 }, 9n, second, 1)).toBeUndefined();
    expect(order.hold(connection, 9n, second, 1)?.reason).toBe('OVERLOADED');
  });

  it('goes on without a message that the client gave up', () => {
    const order = new SendOrder();
    order.refused(connection, 9n, first, { reason: 'OVERLOADED', retryAfterMs: 100 }, 0);
    expect(order.hold(connection, 9n, second, LANE_PATIENCE_MS + 99)?.reason).toBe('OVERLOADED');
    expect(order.hold(connection, 9n, second, LANE_PATIENCE_MS + 100)).toBeUndefined();
    expect(order.size).toBe(0);
  });

  it('waits anew each time the same message is refused', () => {
    const order = new SendOrder();
    order.refused(connection, 9n, first, { reason: 'OVERLOADED', retryAfterMs: 100 }, 0);
    order.hold(connection, 9n, first, LANE_PATIENCE_MS - 1);
    order.refused(connection, 9n, first, { reason: 'STORAGE_FULL', retryAfterMs: 100 }, LANE_PATIENCE_MS - 1);
    expect(order.hold(connection, 9n, second, LANE_PATIENCE_MS + 1)?.reason).toBe('STORAGE_FULL');
  });

  it('keeps its own copy of the id', () => {
    const order = new SendOrder();
    const id = Uint8Array.from(first);
    order.refused(connection, 9n, id, { reason: 'OVERLOADED', retryAfterMs: 100 }, 0);
    id.fill(0xff);
    expect(order.hold(connection, 9n, first, 1)).toBeUndefined();
  });

  it('forgets a connection that is gone', () => {
    const order = new SendOrder();
    order.refused(connection, 9n, first, { reason: 'OVERLOADED', retryAfterMs: 100 }, 0);
    order.refused(connection, 10n, first, { reason: 'OVERLOADED', retryAfterMs: 100 }, 0);
    order.forget(connection);
    expect(order.size).toBe(0);
    expect(order.hold(connection, 9n, second, 1)).toBeUndefined();
  });
});
