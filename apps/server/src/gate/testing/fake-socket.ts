import type { ClientSocket, SocketOwner, Transport } from '../client-socket.ts';
import { FrameLog } from './frame-log.ts';

/** A socket without a network: the test decides when bytes arrive and when the peer reads. */
export class FakeSocket implements ClientSocket {
  readonly transport: Transport;
  /** What the peer was sent. */
  readonly sent = new FrameLog();
  /** The operating system takes nothing: the peer does not read. */
  blocked = false;
  paused = false;
  ends: Array<{ code: number; reason: string }> = [];
  destroyed = false;
  #unwritten: Uint8Array[] = [];
  #owner: SocketOwner | undefined;

  constructor(transport: Transport = 'tcp') {
    this.transport = transport;
  }

  get unwritten(): number {
    return this.#unwritten.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  attach(owner: SocketOwner): void {
    this.#owner = owner;
  }

  write(bytes: Uint8Array): void {
    if (this.blocked) this.#unwritten.push(bytes);
    else this.sent.receive(bytes);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  end(code: number, reason: string): void {
    this.ends.push({ code, reason });
  }

  destroy(): void {
    this.destroyed = true;
  }

  /** Bytes from the peer; only while the socket is read. */
  arrive(bytes: Uint8Array): void {
    if (this.paused) throw new Error('a socket that is not read has no bytes');
    this.#owner?.received(bytes);
  }

  /** The peer reads everything. */
  unblock(): void {
    this.blocked = false;
    for (const bytes of this.#unwritten.splice(0)) this.sent.receive(bytes);
    this.#owner?.written();
  }

  /** The operating system takes everything, and says so only of what it took before the last bytes. */
  drainUnannounced(): void {
    this.blocked = false;
    this.#owner?.written();
    for (const bytes of this.#unwritten.splice(0)) this.sent.receive(bytes);
  }

  close(): void {
    this.#owner?.gone();
  }
}
