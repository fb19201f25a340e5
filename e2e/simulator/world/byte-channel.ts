import type { TransportConnection, TransportEvents } from '../../../apps/desktop/src/engine/ports.ts';
import type { ClientSocket, SocketOwner } from '../../../apps/server/src/gate/client-socket.ts';
import type { Death, Life } from './machine.ts';
import type { Network } from './network.ts';
import { Pipe } from './pipe.ts';

/** What the system takes of a peer that does not read, before the writer sees bytes unwritten. */
const WINDOW_BYTES = 64 * 1024;

type Segment = Uint8Array | 'fin';

/** Sees every segment when it is handed to the receiver. */
export interface ChannelTap {
  delivered(channel: ByteChannel, direction: 'up' | 'down', bytes: Uint8Array): void;
  closed(channel: ByteChannel): void;
}

/** One TCP connection between a device and a gate: two pipes of bytes that may be cut anywhere. */
export class ByteChannel {
  readonly id: number;
  readonly client: Life;
  readonly gate: Life;
  readonly #network: Network;
  readonly #events: TransportEvents;
  readonly #tap: ChannelTap;
  readonly #up: Pipe<Segment>;
  readonly #down: Pipe<Segment>;
  #owner: SocketOwner | undefined;
  /** The device's end, the gate's end. */
  #clientOpen = true;
  #gateOpen = true;
  #clientEnded = false;
  #gateEnded = false;
  #unwritten = false;
  readonly #forget: Array<() => void> = [];

  constructor(parts: {
    id: number;
    network: Network;
    client: Life;
    gate: Life;
    events: TransportEvents;
    tap: ChannelTap;
  }) {
    const { id, network, client, gate, events, tap } = parts;
    this.id = id;
    this.client = client;
    this.gate = gate;
    this.#network = network;
    this.#events = events;
    this.#tap = tap;
    this.#up = new Pipe(network, client, gate, (segment) => this.#atGate(segment));
    this.#down = new Pipe(network, gate, client, (segment) => this.#atClient(segment));
    this.#down.onDelivered = () => this.#drained();
    this.#forget.push(client.onEnd((death) => this.#clientDied(death)));
    this.#forget.push(gate.onEnd(() => this.#gateDied()));
  }

  get open(): boolean {
    return this.#clientOpen || this.#gateOpen;
  }

  /** The bytes on their way, either direction. */
  get inFlight(): number {
    return this.#up.size + this.#down.size;
  }

  /** The device's end. */
  readonly connection: TransportConnection = {
    send: (bytes) => {
      if (this.#clientOpen) this.#send(this.#up, bytes);
    },
    close: () => {
      if (!this.#clientOpen) return;
      this.#clientOpen = false;
      this.#up.put('fin');
      this.#settle();
    },
  };

  /** The gate's end. */
  readonly socket: ClientSocket = this.#makeSocket();

  #makeSocket(): ClientSocket {
    const channel = this;
    return {
      transport: 'tcp',
      get unwritten() {
        const over = channel.#down.size - WINDOW_BYTES;
        if (over > 0) channel.#unwritten = true;
        return Math.max(0, over);
      },
      attach: (owner) => {
        this.#owner = owner;
      },
      write: (bytes) => {
        if (this.#gateOpen && !this.#gateEnded) this.#send(this.#down, bytes);
      },
      pause: () => this.#up.hold(),
      resume: () => this.#up.release(),
      end: () => {
        if (!this.#gateOpen || this.#gateEnded) return;
        this.#gateEnded = true;
        this.#down.put('fin');
        this.#settle();
      },
      destroy: () => this.#closeGate(true),
    };
  }

  /** Both ends see the connection break. */
  reset(): void {
    this.#closeGate(false);
    this.#closeClient(this.#network.latency(this.client.machine, this.gate.machine));
  }

  stall(ms: number): void {
    this.#up.stall(ms);
    this.#down.stall(ms);
  }

  /** From now on nothing gets through in the given directions, and neither end is told. */
  halfOpen(up: boolean, down: boolean): void {
    this.#up.swallows ||= up;
    this.#down.swallows ||= down;
  }

  #send(pipe: Pipe<Segment>, bytes: Uint8Array): void {
    const { chance } = this.#network;
    if (bytes.length > 1 && chance.happens(0.03)) {
      const at = chance.between(1, bytes.length - 1);
      pipe.put(bytes.subarray(0, at), at);
      pipe.put(bytes.subarray(at), bytes.length - at, chance.between(0, 5));
    } else {
      pipe.put(bytes, bytes.length);
    }
  }

  #atGate(segment: Segment): void {
    if (!this.#gateOpen) return;
    if (segment !== 'fin') {
      this.#tap.delivered(this, 'up', segment);
      this.#owner?.received(segment);
      return;
    }
    this.#clientEnded = true;
    if (!this.#gateEnded) this.#owner?.ended();
    this.#settle();
  }

  #atClient(segment: Segment): void {
    if (segment !== 'fin') {
      // What comes for a device that has hung up crossed the network all the same.
      this.#tap.delivered(this, 'down', segment);
      if (this.#clientOpen) this.#events.data(segment);
      return;
    }
    if (!this.#clientOpen) return;
    this.#clientOpen = false;
    this.#up.put('fin');
    this.#events.closed({ code: 0, reason: '' });
  }

  /** Both directions have ended: the gate's socket is gone. */
  #settle(): void {
    if (this.#clientEnded && this.#gateEnded && this.#gateOpen) {
      this.gate.after(0, () => this.#closeGate(false));
    }
  }

  #closeGate(tellClient: boolean): void {
    if (!this.#gateOpen) return;
    this.#gateOpen = false;
    this.#up.cut();
    if (tellClient) this.#closeClient(this.#network.latency(this.gate.machine, this.client.machine));
    this.gate.after(0, () => this.#owner?.gone());
    this.#over();
  }

  #closeClient(delayMs: number): void {
    if (!this.#clientOpen || this.#down.swallows) return;
    if (!this.#network.reachable(this.client.machine, this.gate.machine)) return;
    this.client.after(delayMs, () => {
      if (!this.#clientOpen) return;
      this.#clientOpen = false;
      this.#down.cut();
      this.#events.closed({ code: 0, reason: '' });
      this.#over();
    });
  }

  #clientDied(death: Death): void {
    this.#clientOpen = false;
    this.#down.cut();
    if (death === 'crash' && this.#gateOpen && this.#network.reachable(this.client.machine, this.gate.machine)) {
      this.gate.after(this.#network.latency(this.client.machine, this.gate.machine), () => this.#closeGate(false));
    }
  }

  #gateDied(): void {
    this.#gateOpen = false;
    this.#up.cut();
    this.#closeClient(this.#network.latency(this.gate.machine, this.client.machine));
  }

  #drained(): void {
    if (!this.#unwritten || this.#down.size > WINDOW_BYTES) return;
    this.#unwritten = false;
    this.gate.after(0, () => {
      if (this.#gateOpen) this.#owner?.written();
    });
  }

  #over(): void {
    if (this.open) return;
    this.#up.cut();
    this.#down.cut();
    for (const forget of this.#forget.splice(0)) forget();
    this.#tap.closed(this);
  }
}
