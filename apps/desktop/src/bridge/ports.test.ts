import { describe, expect, it } from 'vitest';
import type { BridgePort } from './contract.ts';
import { createMemoryPorts } from './memory-port.ts';
import {
  messageChannelPort,
  PORT_ANSWER,
  PORT_REQUEST,
  requestPort,
  type WindowLike,
  type WindowMessage,
} from './message-channel-port.ts';
import { BridgeRefused, greetedWebSocketPort, openWebSocketPort, type WebSocketLike } from './websocket-port.ts';

function channelPorts(): [BridgePort, BridgePort] {
  const { port1, port2 } = new MessageChannel();
  return [messageChannelPort(port1), messageChannelPort(port2)];
}

describe.each([
  ['in memory', createMemoryPorts],
  ['over a MessageChannel', channelPorts],
])('two ports %s', (_name, create) => {
  it('carry messages both ways, in order, keeping what comes before somebody listens', async () => {
    const [left, right] = create();
    for (let count = 0; count < 5; count++) left.send(String(count));
    await new Promise((resolve) => setTimeout(resolve, 10));
    const received: string[] = [];
    const all = new Promise<void>((resolve) => {
      right.onMessage((text) => {
        received.push(text);
        if (text === '5') resolve();
      });
    });
    left.send('5');
    await all;
    const echo = new Promise<string>((resolve) => left.onMessage(resolve));
    right.send('back');
    expect(await echo).toBe('back');
    expect(received).toEqual(['0', '1', '2', '3', '4', '5']);
    left.close();
  });

  it('tell both sides of the close once, late listeners too, and carry nothing after it', async () => {
    const [left, right] = create();
    const received: string[] = [];
    let closes = 0;
    right.onMessage((text) => received.push(text));
    const closed = new Promise<void>((resolve) => right.onClose(resolve));
    left.onClose(() => {
      closes += 1;
    });
    left.close();
    left.close();
    left.send('late');
    await closed;
    right.send('late');
    expect(closes).toBe(1);
    expect(received).toEqual([]);
    await new Promise<void>((resolve) => left.onClose(resolve));
  });
});

describe('asking the desktop shell for a port', () => {
  function fakeWindow() {
    const listeners = new Set<(event: WindowMessage) => void>();
    const posted: [unknown, string][] = [];
    const window: WindowLike = {
      location: { origin: 'app://fastim' },
      postMessage: (message, origin) => posted.push([message, origin]),
      addEventListener: (_type, listener) => listeners.add(listener),
      removeEventListener: (_type, listener) => listeners.delete(listener),
    };
    const dispatch = (event: WindowMessage) => {
      for (const listener of [...listeners]) listener(event);
    };
    return { window, posted, listeners, dispatch };
  }

  it('posts the request to its own origin and takes the port from its own window only', async () => {
    const { window, posted, listeners, dispatch } = fakeWindow();
    let cancelled = false;
    const asked = requestPort(window, () => () => {
      cancelled = true;
    });
    expect(posted).toEqual([[PORT_REQUEST, 'app://fastim']]);
    const [wrong, right] = [new MessageChannel(), new MessageChannel()];
    const ports = [right.port1];
    dispatch({ source: {}, data: PORT_ANSWER, ports: [wrong.port1] });
    dispatch({ source: window, data: 'something else', ports: [wrong.port1] });
    dispatch({ source: window, data: PORT_ANSWER, ports: [] });
    dispatch({ source: window, data: PORT_ANSWER, ports });
    const port = await asked;
    const received = new Promise((resolve) => {
      right.port2.onmessage = ({ data }) => resolve(data);
    });
    port.send('hello');
    expect(await received).toBe('hello');
    expect(cancelled).toBe(true);
    expect(listeners.size).toBe(0);
    port.close();
    wrong.port1.close();
  });

  it('fails when no port comes in time', async () => {
    const { window, listeners } = fakeWindow();
    let fire = (): void => undefined;
    const asked = requestPort(window, (_delay, callback) => {
      fire = callback;
      return () => undefined;
    });
    fire();
    await expect(asked).rejects.toThrow('did not hand over a port');
    expect(listeners.size).toBe(0);
  });
});

describe('a WebSocket as a port', () => {
  function fakeSocket(readyState = 0) {
    const listeners: Record<string, ((event: never) => void)[]> = {};
    const sent: string[] = [];
    const closes: unknown[][] = [];
    const socket = {
      readyState,
      send: (text: string) => sent.push(text),
      close: (...args: unknown[]) => {
        closes.push(args);
      },
      addEventListener: (type: string, listener: (event: never) => void) => {
        listeners[type] = [...(listeners[type] ?? []), listener];
      },
    };
    const fire = (type: string, event: unknown = {}) => {
      if (type === 'open') socket.readyState = 1;
      if (type === 'close') socket.readyState = 3;
      for (const listener of listeners[type] ?? []) listener(event as never);
    };
    return { socket: socket as unknown as WebSocketLike, sent, closes, fire };
  }

  it('says hello with the token, waits for the welcome, and loses nothing that follows it', async () => {
    const { socket, sent, fire } = fakeSocket();
    const opening = openWebSocketPort(socket, 'secret');
    expect(sent).toEqual([]);
    fire('open');
    expect(sent).toEqual(['{"hello":{"token":"secret"}}']);
    fire('message', { data: '{"welcome":{"profile":"bob"}}' });
    fire('message', { data: 'an event right behind it' });
    const { port, profile } = await opening;
    expect(profile).toBe('bob');
    const received: string[] = [];
    port.onMessage((text) => received.push(text));
    expect(received).toEqual(['an event right behind it']);
    port.send('call');
    expect(sent[1]).toBe('call');
    fire('close', { code: 1006, reason: '' });
    port.send('late');
    expect(sent).toHaveLength(2);
  });

  it.each([
    [4401, 'wrong token', true],
    [4404, 'bad profile', true],
    [4329, 'too many attempts', false],
    [1001, 'stopping', false],
    [1006, '', false],
  ])('refused with code %i %s: final is %s', async (code, reason, final) => {
    const { socket, fire } = fakeSocket();
    const opening = openWebSocketPort(socket, 'secret');
    fire('error');
    fire('close', { code, reason });
    const error = await opening.catch((failure: BridgeRefused) => failure);
    expect(error).toBeInstanceOf(BridgeRefused);
    expect(error).toMatchObject({ closeCode: code, final });
  });

  it.each(['{"welcome":{}}', 'hello', '{}', 'null'])('refuses %s in place of the welcome', async (data) => {
    const { socket, closes, fire } = fakeSocket(1);
    const opening = openWebSocketPort(socket, 'secret');
    fire('message', { data });
    await expect(opening).rejects.toThrow('not a FastIM bridge');
    expect(closes).toEqual([[4400, 'not a welcome']]);
  });

  it('a binary message closes it and is not handed on', () => {
    const { socket, closes, fire } = fakeSocket(1);
    const { port } = greetedWebSocketPort(socket);
    const received: string[] = [];
    port.onMessage((text) => received.push(text));
    fire('message', { data: new ArrayBuffer(3) });
    expect(closes).toEqual([[4400, 'text only']]);
    expect(received).toEqual([]);
  });
});
