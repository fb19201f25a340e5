import { describe, expect, it } from 'vitest';
import { GroupLedger } from './group-ledger.ts';

/** Two messages of device 0 and one of device 1, at 11, 12 and 13. */
function setUp() {
  const ledger = new GroupLedger(3);
  const ids = [ledger.book(0, 100), ledger.book(1, 101), ledger.book(0, 102)];
  for (const device of ledger.devices) device.beginAt(10);
  const ack = () => {
    for (const [index, id] of ids.entries()) ledger.acknowledged(id, 11 + index, 110);
  };
  const store = (device: number, ...numbers: number[]) => {
    for (const number of numbers) ledger.devices[device]!.store(ids[number]!, 11 + number, 120);
  };
  return { ledger, ids, ack, store };
}

describe('the ledger of a group', () => {
  it('is content when every device has every message once and in order', () => {
    const { ledger, ack, store } = setUp();
    store(1, 0, 1, 2);
    expect(ledger.isComplete).toBe(false);
    ack();
    for (const device of [0, 2]) store(device, 0, 1, 2);
    expect(ledger.isComplete).toBe(true);
    expect(ledger.faults()).toEqual({ lost: 0, duplicated: 0, misordered: 0 });
    expect(ledger.ackMs).toEqual([10, 9, 8]);
    // Each message at the two devices that did not send it.
    expect(ledger.deliveryMs.toSorted()).toEqual([18, 18, 19, 19, 20, 20]);
  });

  it('counts what a device never got, and what was never acknowledged, as lost', () => {
    const { ledger, ids, store } = setUp();
    ledger.acknowledged(ids[0]!, 11, 110);
    for (const device of [0, 1, 2]) store(device, 0, 1);
    expect(ledger.faults()).toEqual({ lost: 2 + 3, duplicated: 0, misordered: 0 });
  });

  it('notices one message at two places, and two messages at one', () => {
    const { ledger, ids, ack } = setUp();
    ack();
    ledger.devices[0]!.store(ids[0]!, 11, 120);
    ledger.devices[0]!.store(ids[0]!, 12, 120);
    expect(ledger.faults()).toMatchObject({ duplicated: 2, misordered: 1 });
  });

  it('notices a hole, and a sender whose messages changed places', () => {
    const { ledger, ids, ack, store } = setUp();
    ack();
    store(0, 1);
    expect(ledger.faults().misordered).toBe(1);
    const swapped = new GroupLedger(1);
    const [first, second] = [swapped.book(0, 1), swapped.book(0, 2)];
    swapped.devices[0]!.store(second, 1, 3);
    swapped.devices[0]!.store(first, 2, 3);
    expect(swapped.faults().misordered).toBe(1);
    expect(() => ledger.acknowledged(new Uint8Array(16), 1, 1)).toThrow('nobody sent');
    expect(ids).toHaveLength(3);
  });

  it('notices a second acknowledgement', () => {
    const { ledger, ids } = setUp();
    ledger.acknowledged(ids[0]!, 11, 110);
    ledger.acknowledged(ids[0]!, 11, 111);
    expect(ledger.faults().duplicated).toBe(1);
  });
});
