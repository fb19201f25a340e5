import { GroupChange } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { change } from './testing/group-client.ts';
import { clientMsgId, LogicHarness } from './testing/logic-harness.ts';

/** Bob is muted in Alice's group, and let in again while what he wrote is on its way. */
async function mutedBob() {
  const harness = new LogicHarness();
  await harness.users(3);
  const alice = await harness.online(1n);
  const bob = await harness.online(2n);
  const conversationId = await harness.group(alice, [2n]);
  const mute = (number: number) => change(harness, alice, conversationId, GroupChange.muteAll, { number });
  await mute(1);
  return { harness, conversationId, alice, bob, mute };
}
const [first, second] = [clientMsgId(701), clientMsgId(702)];

describe('behind a message that was refused because its sender may not write now', () => {
  it('a younger one is not stored before the sender knows, so that the refused one cannot come in after it', async () => {
    const { harness, conversationId, bob, mute } = await mutedBob();
    const refused = bob.send(conversationId, 'first', first);
    await harness.settle();
    expect(bob.refusal(refused)).toBe('MUTED');
    await mute(0);
    const behind = bob.send(conversationId, 'second', second);
    await harness.settle();
    expect(bob.refusal(behind)).toBe('UNAVAILABLE');
    // Both answers get lost with the connection: everything comes again, the oldest first.
    bob.close();
    const back = await harness.online(2n);
    const again = [back.send(conversationId, 'first', first), back.send(conversationId, 'second', second)];
    await harness.settle();
    const [one, two] = again.map((sequenceId) => back.ack(sequenceId).convSeq);
    expect(two).toBe(one! + 1);
  });

  it('also not when it waited for its batch while the other one was refused', async () => {
    const { harness, conversationId, bob, mute } = await mutedBob();
    harness.storage.hold();
    const refused = bob.send(conversationId, 'first', first);
    await harness.settle();
    const behind = bob.send(conversationId, 'second', second);
    await harness.settle();
    harness.storage.release();
    await harness.settle();
    expect([bob.refusal(refused), bob.refusal(behind)]).toEqual(['MUTED', 'UNAVAILABLE']);
    await mute(0);
    const alone = bob.send(conversationId, 'second', second);
    await harness.settle();
    // He knows: what was refused does not come any more.
    expect(bob.ack(alone)).toMatchObject({ status: undefined });
  });

  it('nobody else waits, and other conversations of the sender go on', async () => {
    const { harness, conversationId, alice, bob } = await mutedBob();
    const other = await harness.direct(1n, 2n, 9n);
    bob.send(conversationId, 'first', first);
    await harness.settle();
    const sent = [bob.send(other, 'to you alone'), alice.send(conversationId, 'from the owner')];
    await harness.settle();
    expect([bob.ack(sent[0]!).status, alice.ack(sent[1]!).status]).toEqual([undefined, undefined]);
  });
});
