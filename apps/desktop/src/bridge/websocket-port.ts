/**
 * The bridge over a WebSocket on this machine. The page says hello with its token as the first message (never in the
 * address, which ends up in logs and histories); the host answers welcome, and from then on it is a plain port.
 */
import type { BridgePort } from './contract.ts';
import { createPortInput, type PortInput } from './port-buffer.ts';

/** What is used of a WebSocket: that of browsers, of Node and of the ws package all fit. */
export interface WebSocketLike {
  readonly readyState: number;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number; reason: string }) => void): void;
}

/** Why the host closed. 44xx: trying again changes nothing until the user does something. Any other: try again. */
export const bridgeCloseCodes = {
  BAD_MESSAGE: 4400,
  WRONG_TOKEN: 4401,
  BAD_PROFILE: 4404,
  /** No hello in time. */
  TIMEOUT: 4308,
  TOO_MANY_ATTEMPTS: 4329,
  TOO_MANY_CONNECTIONS: 4330,
  ENGINE_FAILED: 4350,
  STOPPING: 1001,
} as const;

export function helloText(token: string): string {
  return JSON.stringify({ hello: { token } });
}

export function welcomeText(profile: string): string {
  return JSON.stringify({ welcome: { profile } });
}

/** The host did not let this page in. */
export class BridgeRefused extends Error {
  readonly closeCode: number;
  /** Whether trying again later, with the same token and profile, can help. */
  readonly final: boolean;

  constructor(closeCode: number, reason: string) {
    super(reason || `the bridge closed with code ${closeCode}`);
    this.name = 'BridgeRefused';
    this.closeCode = closeCode;
    this.final = closeCode >= 4400 && closeCode < 4500;
  }
}

/**
 * Host side: a WebSocket as a port, and the way to take its first message alone. What comes before somebody listens is
 * kept. Text messages only; a binary one closes it.
 */
export function greetedWebSocketPort(socket: WebSocketLike): {
  port: BridgePort;
  onNextMessage: PortInput['onNextMessage'];
} {
  const input = listenTo(socket);
  return { port: portOver(socket, input), onNextMessage: input.onNextMessage };
}

/** Page side: says hello and resolves once the host said welcome. Rejects with BridgeRefused. */
export function openWebSocketPort(
  socket: WebSocketLike,
  token: string,
): Promise<{ port: BridgePort; profile: string }> {
  return new Promise((resolve, reject) => {
    const input = listenTo(socket);
    const greet = () => socket.send(helloText(token));
    if (socket.readyState === 1) greet();
    else socket.addEventListener('open', greet);
    // A failure to connect says nothing that the close event does not.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', ({ code, reason }) => reject(new BridgeRefused(code, reason)));
    input.onNextMessage((text) => {
      const profile = readWelcome(text);
      if (profile !== undefined) {
        resolve({ port: portOver(socket, input), profile });
        return;
      }
      socket.close(bridgeCloseCodes.BAD_MESSAGE, 'not a welcome');
      reject(new BridgeRefused(bridgeCloseCodes.BAD_MESSAGE, 'what answered is not a FastIM bridge'));
    });
  });
}

function listenTo(socket: WebSocketLike): PortInput {
  const input = createPortInput();
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') input.message(data);
    else socket.close(bridgeCloseCodes.BAD_MESSAGE, 'text only');
  });
  socket.addEventListener('close', () => input.closed());
  return input;
}

function portOver(socket: WebSocketLike, input: PortInput): BridgePort {
  return {
    send(text) {
      if (socket.readyState === 1) socket.send(text);
    },
    onMessage: input.onMessage,
    onClose: input.onClose,
    close() {
      if (input.isClosed) return;
      input.closed();
      socket.close(1000);
    },
  };
}

function readWelcome(text: string): string | undefined {
  try {
    const value = JSON.parse(text) as { welcome?: { profile?: unknown } } | null;
    const profile = value?.welcome?.profile;
    return typeof profile === 'string' ? profile : undefined;
  } catch {
    return undefined;
  }
}
