import { describe, expect, it } from 'vitest';
import { CONNECTION_LENGTH, type SendAttempt, type SendMessage, SendOrder } from './send-order.ts';
import { clientMsgId } from './testing/logic-harness.ts';

const at = (sequenceId: number, connectionId = 1, gateId = 'gate-1'): SendAttempt => ({
  connection: { gateId, connectionId },
  sequenceId,
});
const message = (number: number, conversationId = 9n): SendMessage => ({
  conversationId,
  clientMsgId: clientMsgId(number),
});
const overloaded = { reason: 'OVERLOADED', retryAfterMs: 100 } as const;

describe('SendOrder', () => {
  it('holds what comes behind a refused message until that one comes again', () => {
    const order = new SendOrder();
    order.refused(at(0), message(1), overloaded, 0);
    expect(order.hold(at(1), message(2), 1)?.reason).toBe('OVERLOADED');
    expect(order.hold(at(2), message(3), 1)?.reason).toBe('OVERLOADED');
    expect(order.hold(at(3), message(1), 2)).toBeUndefined();
    expect(order.hold(at(4), message(2), 2)).toBeUndefined();
    expect(order.size).toBe(0);
  });

  it('tells those behind it to come when it is to come itself', () => {
    const order = new SendOrder();
    order.refused(at(0), message(1), { reason: 'RATE_LIMITED', retryAfterMs: 500 }, 1_000);
    expect(order.hold(at(1), message(2), 1_100)).toEqual({ reason: 'RATE_LIMITED', retryAfterMs: 400 });
    expect(order.hold(at(2), message(3), 1_600)).toEqual({ reason: 'RATE_LIMITED', retryAfterMs: 1 });
    // The clock was set back: no advice is longer than the first one.
    expect(order.hold(at(3), message(4), -600_000)).toEqual({ reason: 'RATE_LIMITED', retryAfterMs: 500 });
  });

  it.each([
    ['in the order of the sends', [0, 1, 2]],
    ['youngest first', [2, 1, 0]],
    ['in any order', [1, 2, 0]],
  ])('waits for the one sent first of several that were refused %s', (_name, refused) => {
    const order = new SendOrder();
    for (const sent of refused) order.refused(at(sent), message(sent), overloaded, 0);
    expect(order.size).toBe(1);
    expect(order.hold(at(5), message(3), 1)?.reason).toBe('OVERLOADED');
    expect(order.hold(at(6), message(0), 1)).toBeUndefined();
    expect(order.size).toBe(0);
  });

  it('leaves other conversations and other connections alone', () => {
    const order = new SendOrder();
    order.refused(at(0), message(1), overloaded, 0);
    expect(order.hold(at(1), message(2, 10n), 1)).toBeUndefined();
    expect(order.hold(at(1, 2), message(2), 1)).toBeUndefined();
    expect(order.hold(at(1, 1, 'gate-2'), message(2), 1)).toBeUndefined();
    expect(order.hold(at(1), message(2), 1)?.reason).toBe('OVERLOADED');
  });

  it('waits for no message that does not come when those behind it come again', () => {
    const order = new SendOrder();
    for (const sent of [0, 1, 2]) order.refused(at(sent), message(sent), overloaded, 0);
    expect(order.hold(at(3), message(3), 1)?.reason).toBe('OVERLOADED');
    expect(order.hold(at(4), message(3), 2)).toBeUndefined();
    expect(order.size).toBe(0);
  });

  it('takes the same attempt for no second one', () => {
    const order = new SendOrder();
    order.refused(at(0), message(1), overloaded, 0);
    expect(order.hold(at(1), message(2), 1)?.reason).toBe('OVERLOADED');
    expect(order.hold(at(1), message(2), 2)?.reason).toBe('OVERLOADED');
  });

  it('waits anew each time the same message is refused', () => {
    const order = new SendOrder();
    order.refused(at(0), message(1), overloaded, 0);
    order.hold(at(1), message(1), 10_000);
    order.refused(at(1), message(1), { reason: 'STORAGE_FULL', retryAfterMs: 100 }, 10_000);
    expect(order.hold(at(2), message(2), 10_101)?.reason).toBe('STORAGE_FULL');
  });

  it('waits for nothing that is stored after all', () => {
    const order = new SendOrder();
    const { connection } = at(0);
    order.refused(at(3), message(1), overloaded, 0);
    order.stored(connection, message(2));
    expect(order.hold(at(4), message(3), 1)?.reason).toBe('OVERLOADED');
    expect(order.hold(at(5), message(4), 1)?.reason).toBe('OVERLOADED');
    order.stored(connection, message(1));
    // Still in order: 3 was held before 4, and comes first.
    expect(order.hold(at(6), message(5), 1)?.reason).toBe('OVERLOADED');
    expect(order.hold(at(7), message(3), 1)).toBeUndefined();
    expect(order.size).toBe(0);
  });

  it('is free again when everything in line is stored', () => {
    const order = new SendOrder();
    order.refused(at(0), message(1), overloaded, 0);
    order.hold(at(1), message(2), 1);
    order.stored(at(0).connection, message(2));
    expect(order.hold(at(2), message(3), 1)?.reason).toBe('OVERLOADED');
    order.stored(at(0).connection, message(1));
    order.stored(at(0).connection, message(3));
    expect(order.size).toBe(0);
    expect(order.hold(at(3), message(4), 1)).toBeUndefined();
  });

  it('puts a message where it was first sent when the answer to its first copy comes last', () => {
    const order = new SendOrder();
    // 1 (sent at 0) still waits to be stored when 2 is refused on arrival, then a second copy of 1 is held behind it.
    order.refused(at(1), message(2), overloaded, 0);
    expect(order.hold(at(2), message(1), 1)?.reason).toBe('OVERLOADED');
    order.refused(at(0), message(1), overloaded, 2);
    expect(order.hold(at(3), message(2), 3)?.reason).toBe('OVERLOADED');
    expect(order.hold(at(4), message(1), 4)).toBeUndefined();
  });

  it('lets nobody overtake the next in line when the first is not to come', () => {
    const order = new SendOrder();
    order.refused(at(0), message(1), overloaded, 0);
    order.hold(at(1), message(2), 1);
    order.hold(at(2), message(3), 1);
    expect(order.hold(at(3), message(2), 200)).toBeUndefined();
    order.refused(at(3), message(2), overloaded, 200);
    expect(order.hold(at(4), message(3), 200)?.reason).toBe('OVERLOADED');
    expect(order.hold(at(5), message(2), 400)).toBeUndefined();
    expect(order.hold(at(6), message(3), 400)).toBeUndefined();
  });

  it('lets nobody overtake who was taken for given up because a copy of something stored came first', () => {
    const order = new SendOrder();
    // 1 is stored, but its answer was lost, so a copy of it comes in front of 2 and 3, which were refused.
    for (const sent of [2, 3]) order.refused(at(sent), message(sent), overloaded, 0);
    expect(order.hold(at(4), message(1), 600_000)?.reason).toBe('OVERLOADED');
    expect(order.hold(at(5), message(2), 600_000)).toBeUndefined();
    order.refused(at(5), message(2), overloaded, 600_000);
    expect(order.hold(at(6), message(3), 600_000)?.reason).toBe('OVERLOADED');
  });

  it('keeps its own copy of the id', () => {
    const order = new SendOrder();
    const first = message(1);
    order.refused(at(0), first, overloaded, 0);
    first.clientMsgId.fill(0xff);
    expect(order.hold(at(1), message(1), 1)).toBeUndefined();
  });

  it('forgets a connection that is gone', () => {
    const order = new SendOrder();
    order.refused(at(0), message(1), overloaded, 0);
    order.refused(at(1), message(1, 10n), overloaded, 0);
    expect(order.size).toBe(2);
    order.forget(at(0).connection);
    expect(order.size).toBe(0);
    expect(order.hold(at(2), message(2), 1)).toBeUndefined();
  });

  it('remembers a bounded number of messages of a connection, however many conversations its client names', () => {
    const order = new SendOrder();
    for (let sent = 0; sent < 10_000; sent += 1) order.refused(at(sent), message(sent, BigInt(sent)), overloaded, 0);
    expect(order.size).toBe(CONNECTION_LENGTH);
    expect(order.hold(at(10_000), message(10_000, 0n), 1)).toBeUndefined();
    expect(order.hold(at(10_001), message(10_001, 9_999n), 1)?.reason).toBe('OVERLOADED');
    for (let sent = 10_002; sent < 20_000; sent += 1)
      order.hold(at(sent), message(sent, BigInt(7_952 + (sent % 2_000))), 1);
    expect(order.size).toBeLessThanOrEqual(CONNECTION_LENGTH / 2);
    order.forget(at(0).connection);
    expect(order.size).toBe(0);
  });
});
