import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { type BridgeFailure, connectBridge } from './bridge-client.ts';
import { serveBridge } from './bridge-server.ts';
import { MAX_BRIDGE_MESSAGE, type MessageView } from './contract.ts';
import { createMemoryPorts } from './memory-port.ts';
import { createRecordingClient, sampleApp, sampleConversation } from './testing/recording-client.ts';

function connect() {
  const [ui, engine] = createMemoryPorts();
  const client = createRecordingClient();
  const server = serveBridge(engine, client);
  const onFault = vi.fn();
  return { bridge: connectBridge(ui, { onFault }), client, server, onFault };
}

/** A port whose other end is the test's hand. */
function byHand() {
  const sent: { id: number; command: string }[] = [];
  let receive = (_text: string): void => undefined;
  let closed = (): void => undefined;
  const onFault = vi.fn();
  const bridge = connectBridge(
    {
      send: (text) => sent.push(JSON.parse(text)),
      onMessage: (receiver) => {
        receive = receiver;
      },
      onClose: (receiver) => {
        closed = receiver;
      },
      close: () => undefined,
    },
    { maxInFlight: 2, maxWaiting: 3, onFault },
  );
  return { bridge, sent, onFault, receive: (text: string) => receive(text), close: () => closed() };
}

async function failureOf(call: Promise<unknown>): Promise<BridgeFailure> {
  return call.then(
    () => expect.unreachable('the call should fail'),
    (error: BridgeFailure) => error,
  );
}

describe('the bridge client', () => {
  it('calls with types from the contract and resolves with the result', async () => {
    const { bridge } = connect();
    const app = await bridge.call('app.open', {});
    expect(app).toEqual(sampleApp);
    expectTypeOf(bridge.call<'messages.send'>).returns.resolves.toEqualTypeOf<MessageView>();
  });

  it('hears events until it unsubscribes, each listener on its own', async () => {
    const { bridge, client, onFault } = connect();
    const first = vi.fn(() => {
      throw new Error('a bug in a listener');
    });
    const second = vi.fn();
    const end = bridge.on('conversations', first);
    bridge.on('conversations', second);
    client.emit('conversations', [sampleConversation]);
    await bridge.call('app.open', {});
    end();
    client.emit('conversations', []);
    await bridge.call('app.open', {});
    expect(first).toHaveBeenCalledTimes(1);
    expect(second.mock.calls).toEqual([[[sampleConversation]], [[]]]);
    expect(onFault).toHaveBeenCalledTimes(1);
  });

  it('rejects with the name and delay that the engine gave', async () => {
    const { bridge, receive } = byHand();
    const call = bridge.call('account.logOut', {});
    receive(JSON.stringify({ id: 1, error: { reason: 'RATE_LIMITED', message: 'slow', retryAfterMs: 70 } }));
    expect(await failureOf(call)).toMatchObject({ reason: 'RATE_LIMITED', retryAfterMs: 70, lost: false });
  });

  it('rejects what is pending, waiting or made later as lost when the engine goes, and says so once', async () => {
    const { bridge, close } = byHand();
    const onClose = vi.fn();
    bridge.onClose(onClose);
    const calls = [1, 2, 3].map(() => failureOf(bridge.call('app.open', {})));
    close();
    close();
    bridge.close();
    for (const failure of await Promise.all(calls))
      expect(failure).toMatchObject({ reason: 'UNAVAILABLE', lost: true });
    expect(await failureOf(bridge.call('app.open', {}))).toMatchObject({ lost: true });
    expect(onClose).toHaveBeenCalledTimes(1);
    const late = vi.fn();
    bridge.onClose(late);
    expect(late).toHaveBeenCalledTimes(1);
    expect(bridge.closed).toBe(true);
  });

  it('closes when the server closes', async () => {
    const { bridge, server } = connect();
    const gone = new Promise<void>((resolve) => bridge.onClose(resolve));
    server.close();
    await gone;
    expect(bridge.closed).toBe(true);
  });

  it('keeps its calls below the bound of the server, in order, and refuses when too many wait', async () => {
    const { bridge, sent, receive } = byHand();
    const calls = ['a', 'b', 'c', 'd', 'e'].map((query) => bridge.call('users.search', { query }));
    expect(sent.map(({ id }) => id)).toEqual([1, 2]);
    expect(await failureOf(bridge.call('users.search', { query: 'f' }))).toMatchObject({ reason: 'OVERLOADED' });
    for (let index = 0; index < 5; index++) receive(JSON.stringify({ id: sent[index]?.id, result: [] }));
    await Promise.all(calls);
    expect(sent.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5]);
  });

  it('refuses what is too large or not JSON before it is sent', async () => {
    const { bridge, client } = connect();
    const large = bridge.call('drafts.set', { conversationId: '1', text: '"'.repeat(MAX_BRIDGE_MESSAGE / 2) });
    expect(await failureOf(large)).toMatchObject({ reason: 'FRAME_TOO_LARGE' });
    const cyclic: { query: string; self?: unknown } = { query: 'a' };
    cyclic.self = cyclic;
    expect(await failureOf(bridge.call('users.search', cyclic))).toMatchObject({ reason: 'BAD_REQUEST' });
    expect(client.calls).toEqual([]);
    expect(await bridge.call('app.open', {})).toEqual(sampleApp);
  });

  it.each(['{', 'null', '7', '{}', '{"id":99,"result":1}', '{"event":1}'])(
    'reports %s from the engine and goes on',
    async (text) => {
      const { bridge, receive, onFault } = byHand();
      receive(text);
      expect(onFault).toHaveBeenCalledTimes(1);
      const call = bridge.call('users.search', { query: 'a' });
      receive(JSON.stringify({ id: 1, result: [] }));
      expect(await call).toEqual([]);
    },
  );
});
