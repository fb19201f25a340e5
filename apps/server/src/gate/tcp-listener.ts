import { createServer, type Socket } from 'node:net';
import { encodeFrames } from '@fastim/protocol';
import type { Logger } from 'pino';
import { clientAddress } from '../net/client-address.ts';
import type { SecureSockets } from '../tls/secure-sockets.ts';
import type { Refusal, Stranger } from './admission.ts';
import { goodbyeFrame } from './answers.ts';
import type { ClientSocket, SocketOwner } from './client-socket.ts';
import { ListeningPort } from './listen.ts';

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
  /** Asked before anything is made for a connection. Undefined: admitted. */
  admit(address: string): Refusal | undefined;
  /** Takes over an admitted socket. `acceptedAt` in wheel time; `before`: as whom it was known until now. */
  connected(socket: ClientSocket, address: string, acceptedAt: number, before?: Stranger): void;
  now(): number;
  /** Given: the port speaks TLS only. */
  readonly secure?: SecureSockets | undefined;
}

export interface TcpListenerOptions extends ListenerOptions {
  /** An admitted connection is in its handshake. */
  upgrading(address: string, stranger: Stranger): void;
  /** It went before that ended. */
  abandoned(address: string, stranger: Stranger): void;
}

/** The gate's port for TCP: frames as they are. */
export class TcpListener {
  readonly #options: TcpListenerOptions;
  readonly #port = new ListeningPort();

  constructor(options: TcpListenerOptions) {
    this.#options = options;
  }

  start(): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    return this.#port.open(server, this.#options, 'TCP clients');
  }

  /** No new connections; those there are stay. */
  stopAccepting(): void {
    this.#port.stopAccepting();
  }

  /** Resolves when accepting has stopped and the last connection is gone. */
  async stop(): Promise<void> {
    this.stopAccepting();
    await this.#port.closed;
  }

  #accept(socket: Socket): void {
    const address = clientAddress(socket.remoteAddress);
    const refusal = this.#options.admit(address);
    const { secure, upgrading, abandoned, connected, now } = this.#options;
    if (refusal) {
      socket.on('error', ignoreError);
      // Before the handshake nothing could be said that the peer would understand.
      if (!secure) socket.end(encodeFrames([goodbyeFrame(refusal.code, refusal.reason)]));
      socket.destroySoon();
      return;
    }
    const acceptedAt = now();
    if (!secure) {
      connected(new TcpSocket(socket), address, acceptedAt);
      return;
    }
    const stranger: Stranger = { evict: () => socket.destroy() };
    upgrading(address, stranger);
    const gone = () => abandoned(address, stranger);
    socket.once('close', gone);
    secure.accept(socket, (ready) => {
      socket.off('close', gone);
      connected(new TcpSocket(ready), address, acceptedAt, stranger);
    });
  }
}

/** A reset while we hang up is what we want anyway; `close` follows every error. */
function ignoreError(): void {}

const owned = Symbol('owner');

interface OwnedSocket extends Socket {
  [owned]?: SocketOwner;
}

/** Handlers are shared by all sockets: an idle connection has no closure of its own. */
function onData(this: OwnedSocket, chunk: Buffer): void {
  this[owned]?.received(chunk);
}

function onEnd(this: OwnedSocket): void {
  this[owned]?.ended();
}

function onClose(this: OwnedSocket): void {
  const owner = this[owned];
  delete this[owned];
  owner?.gone();
}

export class TcpSocket implements ClientSocket {
  readonly transport = 'tcp';
  readonly #socket: OwnedSocket;
  #written: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  get unwritten(): number {
    return this.#socket.writableLength;
  }

  attach(owner: SocketOwner): void {
    const socket = this.#socket;
    socket[owned] = owner;
    socket.on('error', ignoreError);
    socket.on('close', onClose);
    socket.on('end', onEnd);
    socket.on('data', onData);
  }

  write(bytes: Uint8Array): void {
    this.#written ??= () => this.#socket[owned]?.written();
    this.#socket.write(bytes, this.#written);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
