import { CloseCode, Command, HEADER_LENGTH, MAX_DATA_AFTER_LOGIN, MsgType } from '@fastim/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLOSE_GRACE_MS, TICK_MS } from './gate-limits.ts';
import { GateFixture, until } from './testing/gate-fixture.ts';
import { request } from './testing/tcp-client.ts';
import { WebSocketClient } from './testing/websocket-client.ts';

/** Far more than the kernel holds for one loopback connection. */
const PLENTY = 64 * 1024 * 1024;
const data = Buffer.alloc(32 * 1024);

describe.each(['tcp', 'websocket'] as const)('a client that stops reading (%s)', (transport) => {
  let fixture: GateFixture;
  let slowClient: WebSocketClient | undefined;
  let sequenceId = 0;

  /** A client that is logged in; connection 1. */
  async function connectSlow(): Promise<{ stopReading(): void; resumeReading(): void; received(): number }> {
    if (transport === 'tcp') {
      const client = await fixture.connectBound('1:slow');
      return {
        stopReading: () => client.socket.pause(),
        resumeReading: () => client.socket.resume(),
        received: () => client.frames.length,
      };
    }
    const client = await WebSocketClient.connect(fixture.wsPort);
    slowClient = client;
    client.send(request(Command.login, 0, '1:slow'));
    await client.until('the login is answered', () => client.frames.length === 1);
    return {
      stopReading: () => client.websocket.pause(),
      resumeReading: () => client.websocket.resume(),
      received: () => client.frames.length,
    };
  }

  const push = (ids: number[]) => {
    sequenceId += 1;
    fixture.logic.deliver(ids, { cmd: Command.messages, msgType: MsgType.notify, logId: 0, sequenceId, data });
  };
  const unsent = () => fixture.count('fastim_gate_unsent_bytes', { of: 'worst' });
  const cut = () => fixture.count('fastim_gate_slow_consumers_total');

  beforeEach(async () => {
    sequenceId = 0;
    fixture = await new GateFixture().start();
  });
  afterEach(async () => {
    slowClient?.destroy();
    slowClient = undefined;
    await fixture.stop();
  });

  it('is cut at the hard limit of its queue; its memory stays bounded and others are served', async () => {
    const slow = await connectSlow();
    const other = await fixture.connectBound('2:other');
    slow.stopReading();
    let worst = 0;
    let pushes = 0;
    while ((await cut()) === 0) {
      push([1, 2]);
      pushes += 1;
      expect(pushes * data.length).toBeLessThan(PLENTY);
      await other.until('the other one has it', () => other.frames.length === 1 + pushes);
      worst = Math.max(worst, await unsent());
    }
    const { outQueueHardBytes } = fixture.config;
    expect(worst).toBeGreaterThan(outQueueHardBytes / 2);
    expect(worst).toBeLessThanOrEqual(outQueueHardBytes + data.length + HEADER_LENGTH);
    // What was queued is let go at once; a part of it may be in the socket until the grace time ends.
    expect(await unsent()).toBeLessThanOrEqual(MAX_DATA_AFTER_LOGIN * 2);
    expect(await fixture.count('fastim_gate_closes_total', { code: 'slowConsumer' })).toBe(1);
    push([1, 2]);
    fixture.clock.advance(CLOSE_GRACE_MS + TICK_MS);
    await until('logic knows', () => fixture.logic.closed.length === 1);
    await other.until('the other one lives', () => other.frames.length === 2 + pushes);
    expect(fixture.logs.find(({ msg }) => msg === 'slow consumer cut')).toMatchObject({ deviceId: 'slow' });
  });

  it('is cut when it takes nothing for 10 s, however little is queued', async () => {
    const slow = await connectSlow();
    slow.stopReading();
    while ((await unsent()) === 0) {
      push([1]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    fixture.clock.advance(9_750);
    expect(await cut()).toBe(0);
    fixture.clock.advance(500);
    expect(await cut()).toBe(1);
    fixture.clock.advance(CLOSE_GRACE_MS + TICK_MS);
    await until('it is gone', () => fixture.gate.load().connections === 0);
  });

  it('is not cut when it reads on in time, and gets everything in order', async () => {
    const slow = await connectSlow();
    slow.stopReading();
    while ((await unsent()) < fixture.config.outQueueSoftBytes) {
      push([1]);
      await new Promise((resolve) => setImmediate(resolve));
    }
    fixture.clock.advance(9_000);
    slow.resumeReading();
    await until('everything came', () => slow.received() === 1 + sequenceId);
    fixture.clock.advance(9_000);
    push([1]);
    await until('the next one came', () => slow.received() === 1 + sequenceId);
    expect(await cut()).toBe(0);
    expect(await unsent()).toBe(0);
  });
});

describe('a client that asks without reading the answers', () => {
  it('is not read beyond the soft limit of its queue, and served when it reads', async () => {
    const fixture = await new GateFixture({ inFlightPerConnection: 4, framesBurst: 100_000 }).start();
    const client = await fixture.connectBound();
    client.socket.pause();
    const total = 1_500;
    for (let index = 1; index <= total; index += 1) client.send(request(Command.history, index, data));
    const worst = () => fixture.count('fastim_gate_unsent_bytes', { of: 'worst' });
    await until('reading stops', async () => (await fixture.count('fastim_gate_pauses_total')) > 0);
    // Nothing more is taken from it, though logic answers at once.
    let served = -1;
    await until('it stands still', async () => {
      const before = served;
      for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      served = fixture.logic.requests.length;
      return served === before;
    });
    expect(served).toBeLessThan(total);
    expect(await worst()).toBeGreaterThan(fixture.config.outQueueSoftBytes / 2);
    expect(await worst()).toBeLessThan(2 * fixture.config.outQueueSoftBytes);
    client.socket.resume();
    await client.until('all is answered', () => client.response(total) !== undefined, 20_000);
    expect(client.goodbye?.closeCode).not.toBe(CloseCode.slowConsumer);
    await fixture.stop();
  });
});
