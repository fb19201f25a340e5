import { Command, sendResponse, typingRequest } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { GroupCommit } from '../group-commit.ts';
import { clientMsgId, LogicHarness, type TestConnection } from '../testing/logic-harness.ts';
import { LoopWait } from './loop-wait.ts';
import { QueueWait } from './queue-wait.ts';

const CONVERSATION = 1n << 20n;

/** A logic whose event loop is as slow as the test says. */
async function setUp() {
  const loop = { waitMs: 0, busy: 1 };
  const harness = new LogicHarness({
    loopWait: { take: () => loop },
    config: { sendPerSecondPerUser: 100_000, sendBurstPerUser: 100_000 },
  });
  await harness.users(2);
  const alice = await harness.online(1n);
  const bob = await harness.online(2n);
  const conversationId = await harness.direct(1n, 2n, CONVERSATION);
  return { loop, harness, alice, bob, conversationId };
}

/** Offers so much of one kind that the protection finds its threshold. */
async function press(harness: LogicHarness, seconds: number, offer: () => void): Promise<void> {
  for (let step = 0; step < seconds * 20; step += 1) {
    for (let count = 0; count < 20; count += 1) offer();
    await harness.advance(50);
  }
}

const typing = (connection: TestConnection, conversationId: bigint): number =>
  connection.request(Command.typing, typingRequest.encode({ conversationId }));

describe('overload', () => {
  it('refuses typing first, then sends, and never cursors, heartbeats and log-ins', async () => {
    const { loop, harness, alice, bob, conversationId } = await setUp();
    loop.waitMs = 30;
    await press(harness, 3, () => typing(bob, conversationId));
    const refusedTyping = typing(bob, conversationId);
    const sent = alice.send(conversationId, 'one');
    await harness.settle();
    expect(bob.refusal(refusedTyping)).toBe('OVERLOADED');
    expect(alice.refusal(sent)).toBeUndefined();
    loop.waitMs = 5_000;
    await press(harness, 20, () => alice.send(conversationId, 'more'));
    const refused = alice.send(conversationId, 'too much');
    const cursor = bob.cursor(conversationId, 1);
    await harness.advance(100);
    expect(alice.refusal(refused)).toBe('OVERLOADED');
    expect(bob.refusal(cursor)).toBeUndefined();
    const late = await harness.online(2n, 'tablet');
    expect(late.refusal(0)).toBeUndefined();
    expect(await harness.metric('fastim_overload_refused_total{class="fleeting"}')).toBeGreaterThan(0);
    expect(await harness.metric('fastim_overload_refused_total{class="vital"}')).toBeUndefined();
    expect(await harness.metric('fastim_queue_wait_milliseconds')).toBe(5_000);
  });

  it('tells for how long to stay away, and is over when the wait is', async () => {
    const { loop, harness, alice, conversationId } = await setUp();
    loop.waitMs = 5_000;
    const sent: number[] = [];
    await press(harness, 20, () => sent.push(alice.send(conversationId, 'more')));
    const refusals = sent.map((each) => alice.read(each, sendResponse).status).filter((status) => status !== undefined);
    expect(refusals.length).toBeGreaterThan(100);
    expect(refusals[0]!.retryAfterMs).toBeGreaterThan(400);
    expect(refusals[0]!.retryAfterMs).toBeLessThanOrEqual(8_000);
    loop.waitMs = 0;
    await press(harness, 10, () => typing(alice, conversationId));
    expect(await harness.metric('fastim_overload_threshold')).toBe(6);
  });

  it('holds the lane of a SEND that it refuses: nothing younger is stored before it', async () => {
    const { loop, harness, alice, conversationId } = await setUp();
    loop.waitMs = 5_000;
    await press(harness, 20, () => alice.send(conversationId, 'more'));
    const first = clientMsgId(900_001);
    const second = clientMsgId(900_002);
    alice.send(conversationId, 'first', first);
    loop.waitMs = 0;
    await press(harness, 12, () => typing(alice, conversationId));
    const early = alice.send(conversationId, 'second', second);
    await harness.settle();
    expect(alice.refusal(early)).toBe('OVERLOADED');
  });

  it('refuses nothing while hardly anything is asked, however long it waits', async () => {
    const { loop, harness, alice, conversationId } = await setUp();
    loop.waitMs = 1_000;
    for (let count = 0; count < 50; count += 1) {
      const sent = alice.send(conversationId, 'hello');
      await harness.advance(500);
      expect(alice.refusal(sent)).toBeUndefined();
    }
  });

  it('does not begin what has waited longer than its client', async () => {
    const { loop, harness, alice } = await setUp();
    loop.busy = 1;
    const ask = (handedOverMs: number, sequenceId: number) =>
      harness.uplink.uplink({
        connection: alice.ref,
        identity: undefined,
        remoteAddress: '127.0.0.1',
        cmd: Command.hidden,
        msgType: 1,
        logId: 1,
        sequenceId,
        data: new Uint8Array(0),
        handedOverMs,
      });
    for (let count = 0; count < 30; count += 1) {
      ask(harness.clock.now(), 100 + count);
      await harness.advance(100);
    }
    ask(harness.clock.now() - 20_000, 200);
    ask(harness.clock.now(), 201);
    await harness.settle();
    expect(alice.refusal(200)).toBe('OVERLOADED');
    expect(alice.refusal(201)).not.toBe('OVERLOADED');
  });
});

describe('the wait in the queue', () => {
  const packet = (handedOverMs: number) => ({
    connection: { gateId: 'gate-1', connectionId: 1 },
    identity: undefined,
    remoteAddress: '',
    cmd: 16,
    msgType: 1,
    logId: 0,
    sequenceId: 0,
    data: new Uint8Array(0),
    handedOverMs,
  });

  it('is that of the link while this process is busy, and nothing while it is idle', () => {
    const loop = { waitMs: 3, busy: 1 };
    const wait = new QueueWait({ take: () => loop });
    for (const ms of [1, 41, 61]) wait.arrived(packet(1_000), 1_000 + ms);
    expect(wait.take()).toBeCloseTo((0 + 40 + 60) / 3);
    loop.busy = 0.3;
    wait.arrived(packet(2_000), 2_500);
    expect(wait.take()).toBe(3);
  });

  it('counts messages that a full batch left over, not those that go with the next one', () => {
    const commit = new GroupCommit<number>({
      batchLimit: 2,
      spacingMs: 0,
      eagerAt: 1,
      waitingLimit: 100,
      waitingBytesLimit: 100,
      sizeOf: () => 1,
    });
    commit.add(1);
    expect(commit.take(0)).toEqual([1]);
    for (const item of [2, 3, 4, 5, 6]) commit.add(item);
    commit.done();
    expect(commit.take(500)).toEqual([2, 3]);
    expect(commit.leftOverMs).toBe(0);
    commit.done();
    commit.add(7);
    expect(commit.take(600)).toEqual([4, 5]);
    expect(commit.leftOverMs).toBe(200);
    commit.done();
    expect(commit.take(700)).toEqual([6, 7]);
    expect(commit.leftOverMs).toBe(200 + 100);
  });
});

describe('the wait for the event loop', () => {
  it('is seen when the loop is held up, and gone when it is not', async () => {
    const source = new LoopWait();
    try {
      for (let round = 0; round < 6; round += 1) {
        const until = performance.now() + 60;
        while (performance.now() < until);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      const held = source.take();
      expect(held.waitMs).toBeGreaterThan(1);
      expect(held.busy).toBeGreaterThan(0.5);
    } finally {
      source.stop();
    }
  });
});
