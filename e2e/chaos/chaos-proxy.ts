import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { Pipe } from './pipe.ts';
import type { Toxic } from './toxics.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ChaosProxyOptions {
  /** Asked for every connection, so that it may be unknown at the start. Several: the next one when one refuses. */
  readonly targets: () => readonly Address[];
  /** Uniform over [0, 1): jitter, and who is affected. */
  readonly random: () => number;
}

/**
 * Stands between two parts on the loopback interface, and fails on command. A toxic holds for the connections there are
 * and those that come, or a share of them, until `heal`; connections that lost bytes meanwhile are torn down by it, so
 * that nobody ever sees a stream with a hole. `stop` tears down everything; idempotent.
 */
export class ChaosProxy {
  readonly #server: Server;
  readonly #options: ChaosProxyOptions;
  readonly #pairs = new Set<Pair>();
  #toxic: Toxic | undefined;
  #share = 1;
  #turn = 0;

  private constructor(options: ChaosProxyOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
  }

  static start(options: ChaosProxyOptions, port = 0): Promise<ChaosProxy> {
    const proxy = new ChaosProxy(options);
    return new Promise((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(port, '127.0.0.1', () => resolve(proxy));
    });
  }

  get address(): Address {
    const address = this.#server.address();
    return { host: '127.0.0.1', port: address !== null && typeof address === 'object' ? address.port : 0 };
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Instead of the toxic before, if any. `share`: of the connections, each drawn for itself. */
  poison(toxic: Toxic, share = 1): void {
    this.heal();
    this.#toxic = toxic;
    this.#share = share;
    for (const pair of this.#pairs) if (this.#isHit()) pair.poison(toxic);
  }

  heal(): void {
    this.#toxic = undefined;
    for (const pair of this.#pairs) pair.heal();
  }

  /** Tears down (RST) a share of the connections there are. */
  reset(share = 1): void {
    for (const pair of this.#pairs) if (this.#options.random() < share) pair.tear();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const pair of this.#pairs) pair.tear();
    await closed;
  }

  #isHit(): boolean {
    return this.#share >= 1 || this.#options.random() < this.#share;
  }

  #accept(client: Socket): void {
    const targets = this.#options.targets();
    this.#turn += 1;
    const order = targets.map((_, index) => targets[(index + this.#turn) % targets.length]!);
    const pair: Pair = new Pair(client, order, this.#options.random, () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
    if (this.#toxic && this.#isHit()) pair.poison(this.#toxic);
  }
}

/** A connection through the proxy: both sockets, both directions. */
class Pair {
  readonly #client: Socket;
  readonly #random: () => number;
  readonly #gone: () => void;
  #upstream: Socket | undefined;
  #pipes: readonly Pipe[] = [];
  #toxic: Toxic | undefined;
  /** A side died while nobody was to hear of it. */
  #dead = false;
  #over = false;

  constructor(client: Socket, targets: readonly Address[], random: () => number, gone: () => void) {
    this.#client = client;
    this.#random = random;
    this.#gone = gone;
    client.pause();
    client.setNoDelay(true);
    client.on('error', () => this.#died());
    client.on('close', () => this.#closed());
    this.#dial(targets);
  }

  poison(toxic: Toxic): void {
    this.#toxic = toxic;
    for (const pipe of this.#pipes) pipe.toxic = toxic;
  }

  heal(): void {
    this.#toxic = undefined;
    if (this.#dead || this.#pipes.some((pipe) => pipe.tainted)) {
      this.tear();
      return;
    }
    for (const pipe of this.#pipes) pipe.toxic = undefined;
  }

  tear(): void {
    this.#over = true;
    for (const pipe of this.#pipes) pipe.stop();
    for (const socket of [this.#client, this.#upstream]) if (socket && !socket.destroyed) socket.resetAndDestroy();
    this.#gone();
  }

  #dial([target, ...others]: readonly Address[]): void {
    if (!target || this.#over) {
      this.tear();
      return;
    }
    const upstream = dial({ ...target, allowHalfOpen: true });
    upstream.setNoDelay(true);
    const refused = () => this.#dial(others);
    upstream.once('error', refused);
    upstream.once('connect', () => {
      if (this.#over) {
        upstream.destroy();
        return;
      }
      upstream.off('error', refused);
      upstream.on('error', () => this.#died());
      upstream.on('close', () => this.#closed());
      this.#upstream = upstream;
      const tear = () => this.tear();
      this.#pipes = [
        new Pipe(this.#client, upstream, this.#random, tear),
        new Pipe(upstream, this.#client, this.#random, tear),
      ];
      for (const pipe of this.#pipes) pipe.toxic = this.#toxic;
    });
  }

  /** One side was torn down: so is the other, unless that is just what a toxic keeps from it. */
  #died(): void {
    if (this.#toxic?.kind === 'drop' || this.#toxic?.kind === 'half-open') this.#dead = true;
    else this.tear();
  }

  #closed(): void {
    if (this.#client.destroyed && (!this.#upstream || this.#upstream.destroyed)) {
      this.#over = true;
      for (const pipe of this.#pipes) pipe.stop();
      this.#gone();
    } else if (this.#client.errored || this.#upstream?.errored) {
      this.#died();
    }
  }
}
