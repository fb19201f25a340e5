import { ManualClock } from '@fastim/core/testing';
import { describe, expect, it, vi } from 'vitest';
import { type BridgeServer, serveBridge } from './bridge-server.ts';
import type { BridgePort } from './contract.ts';
import { createMemoryPorts } from './memory-port.ts';
import { type BridgeState, reconnectingBridge } from './reconnecting-bridge.ts';
import { createRecordingClient, sampleApp } from './testing/recording-client.ts';
import { BridgeRefused } from './websocket-port.ts';

function start(random = () => 0) {
  const clock = new ManualClock();
  const client = createRecordingClient();
  const servers: BridgeServer[] = [];
  let failure: Error | undefined;
  let opened = 0;
  const openPort = async (): Promise<BridgePort> => {
    opened += 1;
    if (failure) throw failure;
    const [ui, engine] = createMemoryPorts();
    servers.push(serveBridge(engine, client));
    return ui;
  };
  const bridge = reconnectingBridge(openPort, { clock, random, baseDelayMs: 200, maxDelayMs: 1000 });
  const states: BridgeState['state'][] = [];
  bridge.onState(({ state }) => states.push(state));
  return {
    ...{ bridge, clock, client, servers, states },
    opened: () => opened,
    fail: (error: Error | undefined) => {
      failure = error;
    },
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

describe('the reconnecting bridge', () => {
  it('opens by itself, says so, and calls go through', async () => {
    const { bridge, states } = start();
    await settle();
    expect(states).toEqual(['connecting', 'open']);
    expect(await bridge.call('app.open', {})).toEqual(sampleApp);
  });

  it('comes back after the engine was lost, with its subscriptions', async () => {
    const { bridge, clock, client, servers, states } = start();
    const heard = vi.fn();
    bridge.on('account', heard);
    await settle();
    servers[0]?.close();
    await settle();
    expect(bridge.state).toMatchObject({ state: 'lost', retryAtMs: clock.now() + 100 });
    await expect(bridge.call('app.open', {})).rejects.toMatchObject({ reason: 'UNAVAILABLE', lost: true });
    clock.advance(100);
    await settle();
    expect(states).toEqual(['connecting', 'open', 'lost', 'connecting', 'open']);
    client.emit('account', null);
    await settle();
    expect(heard).toHaveBeenCalledTimes(1);
    expect(await bridge.call('app.open', {})).toEqual(sampleApp);
  });

  it('waits longer each time up to the cap, never in a busy loop, and starts anew after it was open', async () => {
    const { bridge, clock, servers, fail } = start(() => 0);
    await settle();
    const delays: number[] = [];
    const loseFor = async (rounds: number): Promise<void> => {
      for (let round = 0; round < rounds; round++) {
        if (bridge.state.state !== 'lost') throw new Error(`unexpected state ${bridge.state.state}`);
        const delay = bridge.state.retryAtMs - clock.now();
        delays.push(delay);
        if (round === rounds - 1) fail(undefined);
        clock.advance(delay);
        await settle();
      }
    };
    for (const rounds of [5, 1]) {
      fail(new Error('refused'));
      servers.at(-1)?.close();
      await settle();
      await loseFor(rounds);
      expect(bridge.state.state).toBe('open');
    }
    expect(delays).toEqual([100, 200, 400, 500, 500, 100]);
  });

  it('stops trying when it was refused for good, until retry', async () => {
    const { bridge, clock, servers, fail, opened } = start();
    await settle();
    fail(new BridgeRefused(4401, 'wrong token'));
    servers[0]?.close();
    await settle();
    clock.advance(200);
    await settle();
    expect(bridge.state).toMatchObject({ state: 'refused', error: { message: 'wrong token' } });
    clock.advance(60_000);
    await settle();
    expect(opened()).toBe(2);
    fail(undefined);
    bridge.retry();
    await settle();
    expect(bridge.state.state).toBe('open');
  });

  it('retry does not wait for the delay and opens one port only', async () => {
    const { bridge, clock, servers, opened } = start();
    await settle();
    servers[0]?.close();
    await settle();
    bridge.retry();
    bridge.retry();
    await settle();
    expect(bridge.state.state).toBe('open');
    bridge.retry();
    clock.advance(10_000);
    await settle();
    expect(opened()).toBe(2);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends for good on close: no timer, no port, no subscription left', async () => {
    const { bridge, clock, client, servers } = start();
    const closed = vi.fn();
    bridge.onClose(closed);
    await settle();
    servers[0]?.close();
    await settle();
    bridge.close();
    bridge.close();
    expect(closed).toHaveBeenCalledTimes(1);
    expect(clock.pendingTimers).toBe(0);
    expect(client.subscriptions).toBe(0);
    await expect(bridge.call('app.open', {})).rejects.toMatchObject({ lost: true });
  });

  it('a port that opens after the close is closed at once', async () => {
    const { bridge, client } = start();
    bridge.close();
    await settle();
    expect(client.subscriptions).toBe(0);
  });
});
