import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';

/** The first byte of every TLS connection (a handshake record). */
const HANDSHAKE = 0x16;
const HANDSHAKE_MS = 10_000;

export interface SecureSocketsOptions {
  /** Asked for each connection. */
  readonly tls: { readonly context: SecureContext };
  /** Answers those who speak plain HTTP with 400 instead of closing without a word. */
  readonly http: boolean;
  /** From the connection to the end of the handshake. */
  readonly handshakeMs?: number;
}

/** Turns accepted sockets of a public port into secure ones. */
export class SecureSockets {
  readonly #options: SecureSocketsOptions;

  constructor(options: SecureSocketsOptions) {
    this.#options = options;
  }

  /** `ready` is called when the handshake is done; a peer that does not get so far is closed (`socket` closes too). */
  accept(socket: Socket, ready: (secure: TLSSocket) => void): void {
    const timer = setTimeout(() => socket.destroy(), this.#options.handshakeMs ?? HANDSHAKE_MS);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => clearTimeout(timer));
    // Peers that hang up without a word; 'data' alone would leave the socket half open.
    const ended = () => socket.destroy();
    socket.once('end', ended);
    socket.once('data', (bytes: Buffer) => {
      socket.pause();
      socket.off('end', ended);
      if (bytes[0] !== HANDSHAKE) {
        if (this.#options.http) refusePlainHttp(socket);
        else socket.destroy();
        return;
      }
      socket.unshift(bytes);
      const secure = new TLSSocket(socket, { isServer: true, secureContext: this.#options.tls.context });
      const failed = () => socket.destroy();
      secure.on('error', failed);
      secure.on('_tlsError', failed);
      secure.once('secure', () => {
        clearTimeout(timer);
        secure.off('error', failed);
        ready(secure);
      });
    });
  }
}

/** What the owner of an HTTP server wants to know before HTTP begins. */
export interface SecureHttpHooks {
  /** Before the first byte. False: it has been refused. */
  admit?(socket: Socket): boolean;
  /** `socket` goes on as `secure`. */
  ready?(socket: Socket, secure: TLSSocket): void;
}

/**
 * From now on an HTTP server speaks TLS only. It still listens and counts its connections itself, so its own timeouts
 * hold. To be called before it listens.
 */
export function secureHttp(server: Server, secure: SecureSockets, hooks: SecureHttpHooks = {}): void {
  const handlers = server.listeners('connection') as ((socket: Socket) => void)[];
  server.removeAllListeners('connection');
  const handshakes = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    if (hooks.admit?.(socket) === false) return;
    handshakes.add(socket);
    socket.once('close', () => handshakes.delete(socket));
    secure.accept(socket, (ready) => {
      handshakes.delete(socket);
      hooks.ready?.(socket, ready);
      for (const handle of handlers) handle.call(server, ready);
    });
  });
  // Closing waits for connections that HTTP does not know of yet.
  const close = server.close.bind(server);
  server.close = (callback) => {
    for (const socket of handshakes) socket.destroy();
    return close(callback);
  };
}

function refusePlainHttp(socket: Socket): void {
  const body = JSON.stringify({
    error: { code: 'BAD_REQUEST', message: 'This port speaks HTTPS: the address begins with https://' },
  });
  socket.end(
    'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}
