import type { MessagePortMain } from 'electron';
import { describe, expect, it, vi } from 'vitest';
import { connectBridge } from '../bridge/bridge-client.ts';
import { type MessagePortLike, messageChannelPort } from '../bridge/message-channel-port.ts';
import { createRecordingClient, sampleApp } from '../bridge/testing/recording-client.ts';
import { createEngineHost } from './engine-host.ts';
import { createFakeElectron } from './testing/fake-electron.ts';

function create() {
  const client = createRecordingClient();
  const host = createEngineHost(client, { warn: vi.fn(), error: vi.fn() });
  const electron = createFakeElectron('');
  const page = () => {
    const { port1, port2 } = new electron.api.MessageChannelMain();
    host.serve(port1 as MessagePortMain);
    return connectBridge(messageChannelPort(port2 as unknown as MessagePortLike));
  };
  const methods = () => client.calls.map((call) => call.method);
  return { client, host, page, methods };
}

describe('the engine in the shell', () => {
  it('is started once and serves every page, each after a reload anew', async () => {
    const { host, page, methods, client } = create();
    const first = page();
    const second = page();
    expect(await first.call('app.open', {})).toEqual(sampleApp);
    expect(await second.call('app.open', {})).toEqual(sampleApp);
    await host.start();
    expect(methods()).toEqual(['start', 'app', 'app']);
    first.close();
    await expect.poll(() => client.subscriptions).toBe(8);
    second.close();
    await expect.poll(() => client.subscriptions).toBe(0);
  });

  it('answers what a page asked before it was there', async () => {
    const { client, page } = create();
    let started = (): void => undefined;
    client.behave(
      'start',
      () =>
        new Promise<void>((resolve) => {
          started = resolve;
        }),
    );
    const bridge = page();
    const app = bridge.call('app.open', {});
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(client.calls.map((call) => call.method)).toEqual(['start']);
    started();
    expect(await app).toEqual(sampleApp);
    bridge.close();
  });

  it('closes the port of a page when it cannot start', async () => {
    const { client, page } = create();
    client.behave('start', () => {
      throw new Error('no');
    });
    await expect(page().call('app.open', {})).rejects.toMatchObject({ lost: true });
  });

  it('announces to every page', async () => {
    const { host, page } = create();
    const bridges = [page(), page()];
    await Promise.all(bridges.map((bridge) => bridge.call('app.open', {})));
    const heard = Promise.all(bridges.map((bridge) => new Promise((resolve) => bridge.on('show', resolve))));
    host.announce('show', { conversationId: '41' });
    expect(await heard).toEqual([{ conversationId: '41' }, { conversationId: '41' }]);
    for (const bridge of bridges) bridge.close();
  });

  it('closes the pages first, then stops the engine, once; a start under way is waited for', async () => {
    const { client, host, page, methods } = create();
    const bridge = page();
    await bridge.call('app.open', {});
    const gone = new Promise<void>((resolve) => bridge.onClose(resolve));
    await Promise.all([host.stop(), host.stop(), gone]);
    expect(methods()).toEqual(['start', 'app', 'stop']);
    expect(client.subscriptions).toBe(0);
    await expect(page().call('app.open', {})).rejects.toMatchObject({ lost: true });

    const slow = create();
    let started = (): void => undefined;
    slow.client.behave(
      'start',
      () =>
        new Promise<void>((resolve) => {
          started = resolve;
        }),
    );
    void slow.host.start();
    const stopping = slow.host.stop();
    await Promise.resolve();
    expect(slow.methods()).toEqual(['start']);
    started();
    await stopping;
    expect(slow.methods()).toEqual(['start', 'stop']);
  });

  it('that never started is stopped all the same', async () => {
    const { host, methods } = create();
    await host.stop();
    expect(methods()).toEqual(['stop']);
  });
});
