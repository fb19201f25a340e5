import type { GatePort, LogicPort } from '../../../apps/server/src/cluster/contract.ts';
import type { Life } from '../world/machine.ts';
import type { Network } from '../world/network.ts';
import { Pipe } from '../world/pipe.ts';
import type { Cancel } from '../world/virtual-time.ts';

/** Either end gives the other up when nothing came through for so long. */
const SILENCE_MS = 4_000;
const CHECK_MS = 1_000;

export interface LinkEnds {
  readonly gate: Life;
  readonly logic: Life;
  readonly gatePort: GatePort;
  readonly logicPort: LogicPort;
  /** The gate may use the node from now on, and no longer. */
  nodeCame(logic: LogicPort): void;
  nodeGone(): void;
  /** The node goes in order. */
  nodeLeaves(): void;
  /** The node may use the gate from now on, and no longer. */
  gateCame(gate: GatePort): void;
  gateGone(): void;
}

/** Test-only changes of what a link carries. */
export interface LinkFlaws {
  readonly gate?: (gate: GatePort) => GatePort;
  readonly logic?: (logic: LogicPort) => LogicPort;
}

/** A call of a port on its way. */
type Packet = () => void;

/**
 * One link between a gate and a logic node, dialled by the node: packets in order in each direction until it breaks. Each
 * end finds out for itself, by the other's death or by silence.
 */
export class ClusterLink {
  readonly #network: Network;
  readonly #ends: LinkEnds;
  readonly #up: Pipe<Packet>;
  readonly #down: Pipe<Packet>;
  readonly #forget: Array<() => void> = [];
  #atGate = false;
  #atLogic = false;
  #dead = false;
  #cancelCheck: Cancel;
  #cutSince: number | undefined;
  mostQueued = 0;

  constructor(network: Network, ends: LinkEnds) {
    this.#network = network;
    this.#ends = ends;
    const { gate, logic } = ends;
    const run = (packet: Packet) => packet();
    this.#up = new Pipe(network, gate, logic, run);
    this.#down = new Pipe(network, logic, gate, run);
    this.#forget.push(
      gate.onEnd(() => this.break()),
      logic.onEnd(() => this.break()),
    );
    this.#atLogic = true;
    ends.gateCame(this.#gatePort());
    // The gate hears of the node by the first thing that comes down the link.
    this.#down.put(() => {
      if (this.#dead) return;
      this.#atGate = true;
      ends.nodeCame(this.#logicPort());
    });
    this.#cancelCheck = network.time.schedule(CHECK_MS, () => this.#check());
  }

  get over(): boolean {
    const { gate, logic } = this.#ends;
    return this.#dead && !(this.#atGate && gate.alive) && !(this.#atLogic && logic.alive);
  }

  get broken(): boolean {
    return this.#dead;
  }

  /** The connection is reset: what is on its way is lost, and both ends see it. */
  break(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#up.cut();
    this.#down.cut();
    this.#cancelCheck();
    for (const forget of this.#forget.splice(0)) forget();
    const { gate, logic } = this.#ends;
    const latency = () => this.#network.latency(gate.machine, logic.machine);
    gate.after(latency(), () => {
      if (this.#atGate) this.#ends.nodeGone();
      this.#atGate = false;
    });
    logic.after(latency(), () => {
      if (this.#atLogic) this.#ends.gateGone();
      this.#atLogic = false;
    });
  }

  #check(): void {
    const { gate, logic } = this.#ends;
    const { time } = this.#network;
    this.mostQueued = Math.max(this.mostQueued, this.#up.length, this.#down.length);
    const silent = gate.paused || logic.paused || !this.#network.reachable(gate.machine, logic.machine);
    if (!silent) this.#cutSince = undefined;
    else this.#cutSince ??= time.now;
    if (this.#cutSince !== undefined && time.now - this.#cutSince >= SILENCE_MS) {
      this.break();
      return;
    }
    this.#cancelCheck = time.schedule(CHECK_MS, () => this.#check());
  }

  #logicPort(): LogicPort {
    const { logicPort } = this.#ends;
    return {
      uplink: (packet) => {
        this.#up.put(() => logicPort.uplink(packet));
      },
      connectionClosed: (connection, identity) => {
        this.#up.put(() => logicPort.connectionClosed(connection, identity));
      },
      interestStale: (gateId, conversationId, userIds) => {
        this.#up.put(() => logicPort.interestStale(gateId, conversationId, userIds));
      },
      interested: (gateId, change) => {
        this.#up.put(() => logicPort.interested(gateId, change));
      },
    };
  }

  #gatePort(): GatePort {
    const { gatePort } = this.#ends;
    const put = (packet: Packet) => this.#down.put(packet);
    return {
      gateId: gatePort.gateId,
      leaving: () => put(() => this.#ends.nodeLeaves()),
      bind: (connectionId, identity) => put(() => gatePort.bind(connectionId, identity)),
      downlink: (packet) => put(() => gatePort.downlink(packet)),
      follow: (connectionId, groups) => put(() => gatePort.follow(connectionId, groups)),
      view: (connectionId, conversationId) => put(() => gatePort.view(connectionId, conversationId)),
      confirm: (conversationId, userIds, removalsSeq) =>
        put(() => gatePort.confirm(conversationId, userIds, removalsSeq)),
      group: (packet) => put(() => gatePort.group(packet)),
      signal: (signal) => put(() => gatePort.signal(signal)),
      close: (connectionId, close) => put(() => gatePort.close(connectionId, close)),
    };
  }
}
