import { createServer, type Socket } from 'node:net';
import { encodeFrames } from '@fastim/protocol';
import type { Logger } from 'pino';
import { clientAddress } from '../net/client-address.ts';
import type { Refusal } from './admission.ts';
import { goodbyeFrame } from './answers.ts';
import type { ClientSocket, SocketOwner } from './client-socket.ts';
import { ListeningPort } from './listen.ts';

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
  /** Asked before anything is made for a connection. Undefined: admitted. */
  admit(address: string): Refusal | undefined;
  /** Takes over an admitted socket. `acceptedAt` in wheel time. */
  connected(socket: ClientSocket, address: string, acceptedAt: number): void;
  now(): number;
}

/** The gate's port for plain TCP: frames as they are. */
export class TcpListener {
  readonly #options: ListenerOptions;
  readonly #port = new ListeningPort();

  constructor(options: ListenerOptions) {
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
    if (refusal) {
      socket.on('error', ignoreError);
      socket.end(encodeFrames([goodbyeFrame(refusal.code, refusal.reason)]));
      socket.destroySoon();
      return;
    }
    this.#options.connected(new TcpSocket(socket), address, this.#options.now());
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
