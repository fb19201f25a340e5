import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { CloseCode, type ErrorName, errorCatalogue, MAX_WEBSOCKET_MESSAGE } from '@fastim/protocol';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { clientAddress } from '../net/client-address.ts';
import type { TrustedProxies } from '../net/trusted-proxies.ts';
import { type SecureSockets, secureHttp } from '../tls/secure-sockets.ts';
import type { Refusal, Stranger } from './admission.ts';
import { type DeadlineWheel, NOT_SCHEDULED, type WheelItem } from './deadline-wheel.ts';
import { CLOSE_GRACE_MS, UPGRADE_HEADER_BYTES, UPGRADE_TIMEOUT_MS, WEBSOCKET_FRAGMENTS } from './gate-limits.ts';
import { ListeningPort } from './listen.ts';
import type { ListenerOptions } from './tcp-listener.ts';
import { WebSocketSocket } from './websocket-socket.ts';

export interface WebSocketListenerOptions extends ListenerOptions {
  /** Origins that may connect from a browser, besides pages from the host that the client addressed. */
  readonly allowedOrigins: readonly string[];
  /** Behind these the client's address is in X-Forwarded-For. */
  readonly trustedProxies: TrustedProxies;
  /** Connections of trusted proxies that have not said for whom they are. */
  readonly mostUnnamed: number;
  readonly firstByteTimeoutMs: number;
  readonly wheel: DeadlineWheel;
  /** An admitted connection is not a WebSocket yet. */
  upgrading(address: string, stranger: Stranger): void;
  /** It went before it became one. */
  abandoned(address: string, stranger: Stranger): void;
  /** A browser page from elsewhere was turned away. */
  originRefused(): void;
}

/** The published typings lack the last two. */
const websocketOptions: ServerOptions & { maxFragments: number; closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: MAX_WEBSOCKET_MESSAGE,
  maxFragments: WEBSOCKET_FRAGMENTS,
  closeTimeout: CLOSE_GRACE_MS,
};

/**
 * The gate's port for WebSocket: binary messages of whole frames, without compression. Plain HTTP requests are told to
 * upgrade. Admission comes before the first HTTP byte is read; behind a trusted proxy, with the upgrade, because only
 * that names the client.
 */
export class WebSocketListener {
  readonly #options: WebSocketListenerOptions;
  readonly #upgrades = new Map<Duplex, PendingUpgrade>();
  /** How many of them are not admitted yet. */
  #unnamed = 0;
  readonly #websockets = new WebSocketServer(websocketOptions);
  readonly #port = new ListeningPort();

  constructor(options: WebSocketListenerOptions) {
    this.#options = options;
  }

  start(): Promise<number> {
    const server = createServer({ noDelay: true, maxHeaderSize: UPGRADE_HEADER_BYTES }, (_request, response) => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket', 'content-type': 'application/json' });
      response.end(errorBody('UPGRADE_REQUIRED', 'This port speaks WebSocket.'));
    });
    const { secure } = this.#options;
    if (secure) this.#acceptSecure(server, secure);
    else server.on('connection', (socket) => this.#accept(socket));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    return this.#port.open(server, this.#options, 'WebSocket clients');
  }

  /** No new connections, also none that have not upgraded; WebSockets stay. */
  stopAccepting(): void {
    this.#port.stopAccepting();
    for (const pending of [...this.#upgrades.values()]) pending.socket.destroy();
  }

  /** Resolves when accepting has stopped and the last connection is gone. */
  async stop(): Promise<void> {
    this.stopAccepting();
    await this.#port.closed;
  }

  /** HTTP begins behind the handshake; admission stays before it. */
  #acceptSecure(server: Server, secure: SecureSockets): void {
    secureHttp(server, secure, {
      admit: (socket) => this.#accept(socket),
      ready: (socket, tls) => this.#goesOnAs(socket, tls),
    });
  }

  #goesOnAs(socket: Socket, tls: Socket): void {
    const pending = this.#upgrades.get(socket);
    if (!pending) return;
    this.#upgrades.delete(socket);
    this.#upgrades.set(tls, pending);
    tls.once('close', () => this.#left(tls));
  }

  /** False: refused. */
  #accept(socket: Socket): boolean {
    const options = this.#options;
    const proxied = options.trustedProxies.includes(socket.remoteAddress);
    const address = proxied ? undefined : clientAddress(socket.remoteAddress);
    const refusal = address === undefined ? this.#roomForUnnamed() : options.admit(address);
    if (refusal) {
      // Before a handshake nothing could be said that the peer would understand.
      if (options.secure) socket.destroy();
      else refuse(socket, refusal);
      return false;
    }
    const pending = new PendingUpgrade(socket, address, options.now(), options.firstByteTimeoutMs);
    this.#upgrades.set(socket, pending);
    if (proxied) this.#unnamed += 1;
    if (address !== undefined) options.upgrading(address, pending);
    options.wheel.schedule(pending, pending.nextDeadline());
    socket.once('close', () => this.#left(socket));
    return true;
  }

  #left(socket: Duplex): void {
    const abandoned = this.#forget(socket);
    if (abandoned?.address !== undefined) this.#options.abandoned(abandoned.address, abandoned);
  }

  #roomForUnnamed(): Refusal | undefined {
    if (this.#unnamed < this.#options.mostUnnamed) return undefined;
    return { code: CloseCode.gateFull, reason: 'too many connections that have not upgraded' };
  }

  /** Admits the client that a trusted proxy speaks for. False: refused, or gone already. */
  #admitNamed(socket: Duplex, request: IncomingMessage): boolean {
    const { trustedProxies, admit, upgrading } = this.#options;
    const pending = this.#upgrades.get(socket);
    if (!pending) return false;
    if (pending.address !== undefined) return true;
    const forwardedFor = request.headers['x-forwarded-for'];
    const address = trustedProxies.clientBehind(pending.socket.remoteAddress, String(forwardedFor ?? ''));
    const refusal = admit(address);
    if (refusal) {
      refuse(socket, refusal);
      return false;
    }
    pending.address = address;
    this.#unnamed -= 1;
    upgrading(address, pending);
    return true;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { origin, host } = request.headers;
    const options = this.#options;
    if (origin !== undefined && !isAllowedOrigin(origin, host, options.allowedOrigins)) {
      options.originRefused();
      options.logger.info({ origin, host }, 'a page of a foreign origin was refused');
      answerAndClose(socket, '403 Forbidden', 'ORIGIN_REFUSED', errorCatalogue.ORIGIN_REFUSED.text);
      return;
    }
    if (!this.#admitNamed(socket, request)) return;
    this.#websockets.handleUpgrade(request, socket, head, (websocket: WebSocket) => {
      const pending = this.#forget(socket);
      // Already abandoned: it went while it upgraded.
      if (pending?.address === undefined) return websocket.terminate();
      options.connected(new WebSocketSocket(websocket), pending.address, pending.acceptedAt, pending);
    });
  }

  #forget(socket: Duplex): PendingUpgrade | undefined {
    const pending = this.#upgrades.get(socket);
    if (!pending) return undefined;
    this.#upgrades.delete(socket);
    if (pending.address === undefined) this.#unnamed -= 1;
    this.#options.wheel.remove(pending);
    return pending;
  }
}

/** A TCP connection that is not a WebSocket yet: admitted, or of a trusted proxy that has not named the client. */
class PendingUpgrade implements WheelItem, Stranger {
  wheelSlot = NOT_SCHEDULED;
  wheelTick = NOT_SCHEDULED;
  readonly socket: Socket;
  /** The client's; undefined until it is admitted. */
  address: string | undefined;
  readonly acceptedAt: number;
  readonly #firstByteTimeoutMs: number;

  constructor(socket: Socket, address: string | undefined, acceptedAt: number, firstByteTimeoutMs: number) {
    this.socket = socket;
    this.address = address;
    this.acceptedAt = acceptedAt;
    this.#firstByteTimeoutMs = firstByteTimeoutMs;
  }

  nextDeadline(): number {
    const limit = this.socket.bytesRead === 0 ? this.#firstByteTimeoutMs : UPGRADE_TIMEOUT_MS;
    return this.acceptedAt + Math.min(limit, UPGRADE_TIMEOUT_MS);
  }

  /** Others wait for its place. */
  evict(): void {
    this.socket.destroy();
  }

  onDue(now: number): number {
    if (now < this.nextDeadline()) return this.nextDeadline();
    this.socket.destroy();
    return Number.POSITIVE_INFINITY;
  }
}

/**
 * A browser names the page's origin; anything else has none. Pages from the host that was addressed may connect (the
 * port differs: the app is served by the API), and those listed.
 */
export function isAllowedOrigin(origin: string, host: string | undefined, allowed: readonly string[]): boolean {
  if (allowed.includes(origin)) return true;
  if (host === undefined || !URL.canParse(origin) || !URL.canParse(`http://${host}`)) return false;
  const page = new URL(origin);
  return (
    (page.protocol === 'http:' || page.protocol === 'https:') && page.hostname === new URL(`http://${host}`).hostname
  );
}

function refuse(socket: Duplex, refusal: Refusal): void {
  const full = refusal.code === CloseCode.gateFull;
  const status = full ? '503 Service Unavailable' : '429 Too Many Requests';
  answerAndClose(socket, status, full ? 'UNAVAILABLE' : 'RATE_LIMITED', refusal.reason);
}

function answerAndClose(socket: Duplex, status: string, reason: ErrorName, message: string): void {
  const body = errorBody(reason, message);
  socket.on('error', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function errorBody(reason: ErrorName, message: string): string {
  return JSON.stringify({ error: { code: reason, number: errorCatalogue[reason].code, message } });
}
