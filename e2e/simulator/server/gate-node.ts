import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { TransportConnection, TransportEvents } from '../../../apps/desktop/src/engine/ports.ts';
import type { LogicPort } from '../../../apps/server/src/cluster/contract.ts';
import { LogicLinks } from '../../../apps/server/src/cluster/logic-links.ts';
import { createGate, type Gate, type Listener, type ListenerHost } from '../../../apps/server/src/gate/gate.ts';
import { GateTickets } from '../../../apps/server/src/lsb/gate-ticket.ts';
import { createGateTicketCheck } from '../../../apps/server/src/lsb/ticket-check.ts';
import { TrustedProxies } from '../../../apps/server/src/net/trusted-proxies.ts';
import { ByteChannel, type ChannelTap } from '../world/byte-channel.ts';
import type { Life, Machine } from '../world/machine.ts';
import type { Network } from '../world/network.ts';
import { CLUSTER_SECRET, serverConfig } from './settings.ts';

/** One gate over its lives: the real gate behind a simulated port. */
export class GateNode {
  readonly machine: Machine;
  readonly #network: Network;
  readonly #logger: Logger;
  readonly #tap: ChannelTap;
  readonly channels = new Set<ByteChannel>();
  gate: Gate | undefined;
  life: Life | undefined;
  /** The way to the logic nodes of the present life. */
  links: LogicLinks | undefined;
  #accepting: ListenerHost | undefined;
  draining = false;
  registry = new Registry();
  #lives = 0;

  constructor(parts: { machine: Machine; network: Network; logger: Logger; tap: ChannelTap }) {
    this.machine = parts.machine;
    this.#network = parts.network;
    this.#logger = parts.logger;
    this.#tap = parts.tap;
  }

  get name(): string {
    return this.machine.name;
  }

  /** Whether the API may send clients here. */
  get accepting(): boolean {
    return this.life?.alive === true && this.#accepting !== undefined && !this.draining;
  }

  start(): void {
    if (this.life?.alive) return;
    const life = this.machine.begin();
    this.life = life;
    this.#lives += 1;
    this.draining = false;
    this.registry = new Registry();
    const gateId = `${this.machine.name}.${this.#lives}`;
    const links = new LogicLinks({ gateId, close: (connectionId, close) => gate.close(connectionId, close) });
    this.links = links;
    const tickets = new GateTickets({ clock: life.clock, random: life.random, secret: CLUSTER_SECRET });
    const gate: Gate = createGate({
      gateId,
      config: serverConfig.gate,
      host: this.machine.name,
      tcpPort: 1,
      wsPort: 2,
      allowedOrigins: [],
      trustedProxies: new TrustedProxies([]),
      logic: links,
      tickets: createGateTicketCheck({ tickets, gateId, clock: life.clock }),
      clock: life.clock,
      random: life.random,
      logger: this.#logger,
      registry: this.registry,
      defer: (run) => {
        life.after(0, run);
      },
      listeners: (host) => ({ tcp: this.#listener(host), websocket: closedListener }),
    });
    this.gate = gate;
    life.onEnd(() => {
      this.#accepting = undefined;
      this.gate = undefined;
    });
    void gate.start();
  }

  crash(): void {
    this.life?.end('crash');
  }

  /** As by SIGTERM: the gate sends its clients away, stops, and is started anew. */
  async drainAndStop(): Promise<void> {
    const { gate, life } = this;
    if (!gate || !life?.alive || this.draining) return;
    this.draining = true;
    await gate.drain();
    await gate.stop();
    life.end('crash');
  }

  /** A device dials. Undefined: nobody listens there. */
  accept(client: Life, events: TransportEvents, id: number): TransportConnection | undefined {
    const host = this.#accepting;
    const { life } = this;
    if (!host || !life?.alive) return undefined;
    const tap: ChannelTap = {
      delivered: (channel, direction, bytes) => this.#tap.delivered(channel, direction, bytes),
      closed: (channel) => {
        this.channels.delete(channel);
        this.#tap.closed(channel);
      },
    };
    const channel = new ByteChannel({ id, network: this.#network, client, gate: life, events, tap });
    this.channels.add(channel);
    life.enter(() => {
      if (this.#accepting !== host || host.admit(client.machine.name)) {
        channel.reset();
        return;
      }
      host.connected(channel.socket, client.machine.name, host.now());
    });
    return channel.connection;
  }

  #listener(host: ListenerHost): Listener {
    return {
      start: async () => {
        this.#accepting = host;
        return 1;
      },
      stopAccepting: () => {
        if (this.#accepting === host) this.#accepting = undefined;
      },
      stop: async () => undefined,
    };
  }
}

const closedListener: Listener = {
  start: async () => 2,
  stopAccepting: () => undefined,
  stop: async () => undefined,
};

export type { LogicPort };
