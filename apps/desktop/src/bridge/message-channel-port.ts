/**
 * The bridge over a MessagePort, and how the page asks the desktop shell for one: the page posts REQUEST to itself,
 * the preload script hears it and asks the main process, which makes the channel and sends one end back the same way.
 * Asking again (after a reload, or when the engine was lost) gives a new port.
 */
import type { BridgePort } from './contract.ts';
import { createPortInput, type PortInput } from './port-buffer.ts';

/** Within the page. */
export const PORT_REQUEST = 'fastim:bridge-request';
export const PORT_ANSWER = 'fastim:bridge-port';
/** Between preload and main process; nothing else passes over Electron's own IPC. */
export const OPEN_CHANNEL = 'fastim:open-bridge';
export const PORT_CHANNEL = 'fastim:bridge-port';

/** What is used of the DOM's MessagePort. */
export interface MessagePortLike {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: () => void): void;
  start(): void;
  close(): void;
}

/** What is used of a page's window. */
export interface WindowLike<Port extends MessagePortLike = MessagePortLike> {
  readonly location: { readonly origin: string };
  postMessage(message: unknown, targetOrigin: string): void;
  addEventListener(type: 'message', listener: (event: WindowMessage<Port>) => void): void;
  removeEventListener(type: 'message', listener: (event: WindowMessage<Port>) => void): void;
}

export interface WindowMessage<Port extends MessagePortLike = MessagePortLike> {
  readonly data: unknown;
  readonly source: unknown;
  readonly ports: readonly Port[];
}

export function messageChannelPort(port: MessagePortLike): BridgePort {
  const input = createPortInput();
  port.addEventListener('message', ({ data }) => {
    // Anything else is not from our side of the channel.
    if (typeof data === 'string') input.message(data);
  });
  port.addEventListener('close', () => input.closed());
  port.start();
  return portOver(input, port);
}

/** A port whose far end is a message port of any kind: what it receives is handed to `input` by whoever listens. */
export function portOver(input: PortInput, port: { postMessage(text: string): void; close(): void }): BridgePort {
  return {
    send(text) {
      if (!input.isClosed) port.postMessage(text);
    },
    onMessage: input.onMessage,
    onClose: input.onClose,
    close() {
      if (input.isClosed) return;
      input.closed();
      port.close();
    },
  };
}

/** Page side, in the desktop shell. Rejects when no port comes in time: the page does not run in the shell. */
export function requestPort(
  window: WindowLike,
  setTimer: (delayMs: number, callback: () => void) => () => void,
  timeoutMs = 5000,
): Promise<BridgePort> {
  return new Promise((resolve, reject) => {
    const receive = (event: WindowMessage): void => {
      const [port] = event.ports;
      if (event.source !== window || event.data !== PORT_ANSWER || !port) return;
      end();
      resolve(messageChannelPort(port));
    };
    const cancel = setTimer(timeoutMs, () => {
      end();
      reject(new Error('the desktop shell did not hand over a port'));
    });
    const end = (): void => {
      cancel();
      window.removeEventListener('message', receive);
    };
    window.addEventListener('message', receive);
    window.postMessage(PORT_REQUEST, window.location.origin);
  });
}
