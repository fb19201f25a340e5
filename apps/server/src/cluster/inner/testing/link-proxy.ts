import { connect, createServer, type Server, type Socket } from 'node:net';
import type { HostPort } from '../../../registry/contract.ts';

/** A TCP relay between the two ends of a link that a test can cut, stop and slice. */
export class LinkProxy {
  /** Bytes to the listener after which the next connection is cut; undefined: never. */
  cutAfter: number | undefined;
  /** Everything is passed on in pieces of this length. */
  slice = Number.POSITIVE_INFINITY;
  connections = 0;
  /** Connections that ended by `cutAfter`. */
  cuts = 0;
  readonly #target: HostPort;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #stalled = false;
  #swallow = false;

  private constructor(target: HostPort) {
    this.#target = target;
    this.#server = createServer((socket) => this.#relay(socket));
  }

  static async start(target: HostPort): Promise<{ proxy: LinkProxy; inner: HostPort }> {
    const proxy = new LinkProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const address = proxy.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no address');
    return { proxy, inner: { host: '127.0.0.1', port: address.port } };
  }

  /** Nothing is read any more, on either side, as by a process that is stopped. */
  stall(): void {
    this.#stalled = true;
    for (const socket of this.#sockets) socket.pause();
  }

  resume(): void {
    this.#stalled = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** Everything is read and nothing passed on, as by a network that drops it. */
  set swallowing(on: boolean) {
    this.#swallow = on;
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #relay(client: Socket): void {
    this.connections += 1;
    const server = connect(this.#target);
    const end = this.cutAfter;
    let passed = 0;
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      if (this.#stalled) from.pause();
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.on('data', (chunk: Buffer) => {
        if (this.#swallow) return;
        let bytes = chunk;
        if (from === client && end !== undefined && passed + chunk.length >= end) {
          bytes = chunk.subarray(0, end - passed);
          this.cuts += 1;
          setImmediate(() => client.destroy());
        }
        if (from === client) passed += bytes.length;
        for (let at = 0; at < bytes.length; at += Math.min(this.slice, bytes.length)) {
          to.write(bytes.subarray(at, at + Math.min(this.slice, bytes.length)));
        }
      });
    }
  }
}
