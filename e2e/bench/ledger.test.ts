import { describe, expect, it } from 'vitest';
import { Ledger } from './ledger.ts';

/** Two people in one conversation; each has sent `sent` messages, numbered in turns. */
function conversation(sent: number) {
  const ledger = new Ledger(2);
  const [first, second] = [ledger.lanes[0]!, ledger.lanes[1]!];
  const ids = Array.from({ length: sent * 2 }, (_, index) => (index % 2 === 0 ? first : second).book(index));
  const complete = (index: number, convSeq = index + 1) => {
    ledger.acked(ids[index]!, convSeq, 0);
    ledger.delivered(ids[index]!, convSeq, 0);
  };
  return { ledger, ids, complete, faults: () => ledger.faults([[first, second]]) };
}

const clean = { lost: 0, duplicated: 0, misordered: 0 };

describe('the ledger of the bench', () => {
  it('finds nothing wrong when every message is acked and delivered once, in order', () => {
    const { ledger, ids, complete, faults } = conversation(3);
    for (let index = 0; index < 6; index += 1) complete(index);
    expect([faults(), ledger.completed, ids.length]).toEqual([clean, 6, 6]);
  });

  it('takes a delivery before the acknowledgement as it is', () => {
    const { ledger, ids, faults } = conversation(1);
    ledger.delivered(ids[0]!, 1, 0);
    ledger.acked(ids[0]!, 1, 0);
    ledger.acked(ids[1]!, 2, 0);
    expect(ledger.completed).toBe(1);
    ledger.delivered(ids[1]!, 2, 0);
    expect(faults()).toEqual(clean);
  });

  it('counts what was not acked or not delivered as lost', () => {
    const { ledger, ids, complete, faults } = conversation(2);
    complete(0);
    complete(1);
    ledger.acked(ids[2]!, 3, 0);
    ledger.delivered(ids[3]!, 4, 0);
    expect(faults().lost).toBe(2);
  });

  it('counts a second acknowledgement, a second delivery and a number used twice as duplicated', () => {
    const { ledger, ids, complete, faults } = conversation(1);
    complete(0, 1);
    complete(1, 1);
    ledger.acked(ids[0]!, 1, 0);
    ledger.delivered(ids[0]!, 1, 0);
    expect(faults().duplicated).toBe(3);
  });

  it('counts deliveries and numbers in another order than sent as misordered', () => {
    const deliveries = conversation(2);
    for (const index of [0, 1, 2, 3]) deliveries.ledger.acked(deliveries.ids[index]!, index + 1, 0);
    for (const index of [2, 0, 1, 3]) deliveries.ledger.delivered(deliveries.ids[index]!, index + 1, 0);
    expect(deliveries.faults().misordered).toBeGreaterThan(0);

    const numbers = conversation(2);
    for (const [index, convSeq] of [
      [0, 3],
      [1, 2],
      [2, 1],
      [3, 4],
    ] as const)
      numbers.complete(index, convSeq);
    expect(numbers.faults().misordered).toBeGreaterThan(0);
  });

  it('counts an acknowledgement that says another number than the delivery', () => {
    const { ledger, ids, faults } = conversation(1);
    ledger.acked(ids[0]!, 1, 0);
    ledger.delivered(ids[0]!, 2, 0);
    ledger.delivered(ids[1]!, 2, 0);
    ledger.acked(ids[1]!, 1, 0);
    expect(faults().misordered).toBe(2);
  });

  it('counts a hole in the numbers of a conversation as lost', () => {
    const { complete, faults } = conversation(2);
    for (const [index, convSeq] of [
      [0, 1],
      [1, 2],
      [2, 4],
      [3, 5],
    ] as const)
      complete(index, convSeq);
    expect(faults().lost).toBe(1);
  });

  it('refuses a message that nobody sent', () => {
    const { ledger } = conversation(1);
    expect(() => ledger.delivered(new Uint8Array(16), 1, 0)).toThrow('nobody sent');
    expect(() => ledger.delivered(conversation(1).ids[0]!, 1, 0)).toThrow('nobody sent');
  });
});
