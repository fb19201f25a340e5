import type { WebSocket } from 'ws';
import type { ClientSocket, SocketOwner } from './client-socket.ts';

const owned = Symbol('owner');

interface OwnedWebSocket extends WebSocket {
  [owned]?: SocketOwner;
}

/** Bytes of UTF-8 that fit into a close frame beside the code. */
const REASON_BYTES = 123;

/** The close codes that `ws` sends for these; every other break of the protocol is 1002. */
const closeCodes: Readonly<Record<string, number>> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_INVALID_UTF8: 1007,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
};

/** Handlers are shared by all sockets: an idle connection has no closure of its own. */
function onMessage(this: OwnedWebSocket, data: Buffer, isBinary: boolean): void {
  const owner = this[owned];
  if (isBinary) {
    owner?.received(data);
  } else if (owner) {
    this.close(1003, 'binary messages only');
    owner.violated(1003, 'a text message');
  }
}

function onSignOfLife(this: OwnedWebSocket): void {
  this[owned]?.pinged();
}

function onError(this: OwnedWebSocket, error: NodeJS.ErrnoException): void {
  // `ws` has sent its close frame already. Network errors need no word: `close` follows.
  if (error.code?.startsWith('WS_ERR_')) this[owned]?.violated(closeCodes[error.code] ?? 1002, error.message);
}

function onClose(this: OwnedWebSocket): void {
  const owner = this[owned];
  delete this[owned];
  owner?.gone();
}

/** A WebSocket as the connection sees it. */
export class WebSocketSocket implements ClientSocket {
  readonly transport = 'websocket';
  readonly #websocket: OwnedWebSocket;
  #written: (() => void) | undefined;

  constructor(websocket: WebSocket) {
    this.#websocket = websocket;
  }

  get unwritten(): number {
    return this.#websocket.bufferedAmount;
  }

  attach(owner: SocketOwner): void {
    const websocket = this.#websocket;
    websocket[owned] = owner;
    websocket.on('error', onError);
    websocket.on('close', onClose);
    websocket.on('message', onMessage);
    websocket.on('ping', onSignOfLife);
    websocket.on('pong', onSignOfLife);
  }

  /** One binary message. */
  write(bytes: Uint8Array): void {
    this.#written ??= () => this.#websocket[owned]?.written();
    this.#websocket.send(bytes, this.#written);
  }

  pause(): void {
    this.#websocket.pause();
  }

  resume(): void {
    this.#websocket.resume();
  }

  end(code: number, reason: string): void {
    const bytes = Buffer.from(reason);
    this.#websocket.close(code, bytes.length <= REASON_BYTES ? bytes : bytes.subarray(0, REASON_BYTES));
  }

  destroy(): void {
    this.#websocket.terminate();
  }
}
