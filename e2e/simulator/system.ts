import type { Logger } from 'pino';
import type { GateAddress, TransportConnection, TransportEvents } from '../../apps/desktop/src/engine/ports.ts';
import { Device, type DeviceFlaws } from './device/device.ts';
import { WireWatch } from './invariants/wire-watch.ts';
import { Truth } from './model/truth.ts';
import type { Plan } from './plan.ts';
import { ApiNode } from './server/api-node.ts';
import type { LinkFlaws } from './server/cluster-link.ts';
import { Database, type DatabaseFlaws } from './server/database.ts';
import { GateNode } from './server/gate-node.ts';
import { type LogicFlaws, LogicNode } from './server/logic-node.ts';
import { RouteRegistry } from './server/route-registry.ts';
import { SimulatedDisk } from './server/simulated-disk.ts';
import type { ByteChannel, ChannelTap } from './world/byte-channel.ts';
import { type Life, Machine } from './world/machine.ts';
import { Network } from './world/network.ts';
import { streamOf } from './world/seeded.ts';
import type { Trace } from './world/trace.ts';
import { VirtualTime } from './world/virtual-time.ts';

/** Test-only changes of the system: what a planted bug is made of. */
export interface Flaws {
  readonly database?: DatabaseFlaws;
  readonly link?: LinkFlaws;
  readonly logic?: LogicFlaws;
  readonly device?: DeviceFlaws;
}

export interface Person {
  readonly username: string;
  readonly password: string;
  /** Known after the registration. */
  userId: string | undefined;
}

/** The whole system of one seed, built and not yet started. */
export class System {
  readonly plan: Plan;
  readonly time: VirtualTime;
  readonly network: Network;
  readonly truth: Truth;
  readonly database: Database;
  readonly registry: RouteRegistry;
  readonly gates: GateNode[];
  readonly nodes: LogicNode[];
  readonly api: ApiNode;
  readonly devices: Device[];
  readonly people: Person[];
  readonly #watches = new Map<ByteChannel, WireWatch>();
  readonly #clients = new Map<Life, Device>();
  #channels = 0;

  constructor(parts: {
    plan: Plan;
    trace: Trace;
    flaws: Flaws;
    serverLogger: Logger;
    deviceLogger: (device: string) => ConstructorParameters<typeof Device>[0]['logger'];
    report: (invariant: string, message: string) => void;
    laneOf: (operation: number) => string | undefined;
  }) {
    const { plan, trace, flaws, report } = parts;
    const { seed } = plan;
    this.plan = plan;
    this.time = new VirtualTime(streamOf(seed, 'ties'), trace);
    this.network = new Network(this.time, streamOf(seed, 'network'));
    this.truth = new Truth({ report, laneOf: parts.laneOf, say: (words) => trace.say(words) });
    const machine = (name: string) => new Machine(name, this.time, seed);
    this.database = new Database({
      machine: machine('database'),
      disk: new SimulatedDisk(streamOf(seed, 'disk')),
      chance: streamOf(seed, 'database'),
      auditor: this.truth,
      flaws: flaws.database ?? {},
    });
    this.registry = new RouteRegistry(streamOf(seed, 'registry'));
    const { network, database, registry } = this;
    const tap = this.#tap(trace, report);
    const logger = parts.serverLogger;
    this.gates = names('gate', plan.gates).map(
      (name) => new GateNode({ machine: machine(name), network, logger: logger.child({ on: name }), tap }),
    );
    const { gates } = this;
    this.nodes = names('logic', plan.nodes).map(
      (name, index) =>
        new LogicNode({
          machine: machine(name),
          number: index + 1,
          network,
          database,
          registry,
          gates,
          logger: logger.child({ on: name }),
          alone: plan.nodes === 1,
          flaws: flaws.logic ?? {},
          linkFlaws: flaws.link ?? {},
        }),
    );
    const { nodes } = this;
    this.api = new ApiNode({ machine: machine('api'), number: 100, network, database, gates, nodes, logger });
    this.people = names('user', plan.users).map((username) => ({
      username,
      password: 'correct horse battery',
      userId: undefined,
    }));
    const chance = streamOf(seed, 'devices');
    this.devices = plan.devices.map((user, index) => {
      const name = `device${index + 1}`;
      return new Device({
        machine: machine(name),
        index,
        user,
        network,
        chance,
        ports: { dial: (client, address, events) => this.#dial(client, address, events) },
        api: this.api,
        logger: parts.deviceLogger(name),
        flaws: flaws.device ?? {},
        httpFaults: { doubles: 0, losesAnswer: 0 },
        onHttp: (what, path, status) => trace.step(`http ${what}`, status, `${name} ${path}`),
      });
    });
  }

  startServers(): void {
    for (const gate of this.gates) gate.start();
    for (const node of this.nodes) node.start();
    this.api.start();
  }

  bootDevices(): void {
    for (const device of this.devices) this.boot(device);
  }

  boot(device: Device): void {
    if (device.running) return;
    device.boot();
    this.#clients.set(device.life!, device);
  }

  personOf(device: Device): Person {
    return this.people[device.user]!;
  }

  /** Every machine there is. */
  machines(): Machine[] {
    return [
      this.database.machine,
      this.api.machine,
      ...this.gates.map(({ machine }) => machine),
      ...this.nodes.map(({ machine }) => machine),
      ...this.devices.map(({ machine }) => machine),
    ];
  }

  channels(): ByteChannel[] {
    return this.gates.flatMap(({ channels }) => [...channels]).filter(({ open }) => open);
  }

  #dial(client: Life, address: GateAddress, events: TransportEvents): TransportConnection {
    const gate = this.gates.find(({ name }) => address.kind === 'tcp' && address.host === name)!;
    let cancelled = false;
    let inner: TransportConnection | undefined;
    const { network } = this;
    const there = () => network.latency(client.machine, gate.machine);
    // What nobody answers ends with the dialler's patience.
    const arrive = (): void => {
      if (cancelled || !client.alive || !network.reachable(client.machine, gate.machine)) return;
      if (gate.life?.alive && gate.life.paused) return;
      this.#channels += 1;
      inner = gate.accept(client, events, this.#channels);
      client.after(there(), () => {
        if (cancelled) return;
        if (inner) events.opened();
        else events.closed({ code: 0, reason: 'refused' });
      });
    };
    client.after(there(), arrive);
    return {
      send: (bytes) => inner?.send(bytes),
      close: () => {
        cancelled = true;
        inner?.close();
      },
    };
  }

  #tap(trace: Trace, report: (invariant: string, message: string) => void): ChannelTap {
    return {
      delivered: (channel, direction, bytes) => {
        trace.bytes(direction, channel.id, bytes);
        this.#watchOf(channel, report)?.[direction](bytes);
      },
      closed: (channel) => {
        trace.step('closed', channel.id);
        this.#watches.delete(channel);
      },
    };
  }

  #watchOf(channel: ByteChannel, report: (invariant: string, message: string) => void): WireWatch | undefined {
    const known = this.#watches.get(channel);
    if (known) return known;
    const device = this.#clients.get(channel.client);
    if (!device) return undefined;
    const watch = new WireWatch({
      truth: this.truth,
      report,
      userId: () => this.personOf(device).userId,
      device: device.name,
      say: (words) => this.time.trace.say(words),
    });
    this.#watches.set(channel, watch);
    return watch;
  }
}

function names(of: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${of}${index + 1}`);
}
