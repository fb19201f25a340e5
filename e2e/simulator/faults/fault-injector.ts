import type { System } from '../system.ts';
import type { Machine } from '../world/machine.ts';
import { type Chance, streamOf } from '../world/seeded.ts';
import { type FaultKind, faultKinds } from './fault-kinds.ts';

const TEN_MINUTES = 600_000;
const MOST_OF_A_KIND = 4;

/** Brings faults on, by what the plan drew, and ends them all when told to. */
export class FaultInjector {
  readonly #system: System;
  /** Of the fault that is being brought on. */
  #chance: Chance;
  /** What ends the faults that last. */
  readonly #lasting = new Set<() => void>();
  #over = false;
  /** Faults brought on so far. */
  count = 0;
  readonly kinds = new Set<FaultKind>();
  /** Of the faults that were planned and not left out. */
  readonly numbers: number[] = [];

  constructor(system: System) {
    this.#system = system;
    this.#chance = streamOf(system.plan.seed, 'faults');
  }

  /**
   * Spreads the faults of the plan over its time, from now on. Each has a stream of its own, so that one can be left out
   * (`skip`, by number) and the others stay what they are.
   */
  schedule(skip: ReadonlySet<number>): void {
    const { time, plan } = this.#system;
    for (const [place, kind] of faultKinds.entries()) {
      if (!plan.faults.includes(kind)) continue;
      const times = streamOf(plan.seed, `faults/${kind}`).between(1, MOST_OF_A_KIND);
      for (let index = 0; index < times; index += 1) {
        const number = place * MOST_OF_A_KIND + index;
        const chance = streamOf(plan.seed, `fault/${number}`);
        const at = chance.fraction() * plan.durationMs * 0.95;
        if (skip.has(number)) continue;
        this.numbers.push(number);
        time.schedule(at, () => {
          if (this.#over) return;
          this.#chance = chance;
          this.#bring(kind);
        });
      }
    }
  }

  /** Every fault ends: machines run, disks are good, the network is whole. */
  endAll(): void {
    this.#over = true;
    for (const end of [...this.#lasting]) end();
    const { system } = this;
    // A node whose clock stands behind its ids makes none, for as long as it stood ahead: that is so by design.
    for (const { machine } of [...system.nodes, system.api]) machine.clockOffsetMs = machine.mostOffsetMs;
    system.database.start();
    for (const gate of system.gates) if (!gate.draining) gate.start();
    for (const node of system.nodes) node.start();
    system.api.start();
    for (const device of system.devices) system.boot(device);
  }

  get system(): System {
    return this.#system;
  }

  #bring(kind: FaultKind): void {
    this.count += 1;
    this.kinds.add(kind);
    this.#system.time.trace.step(`fault ${kind}`, this.count, this.#carryOut(kind));
  }

  /** What it hit, for the trace. */
  #carryOut(kind: FaultKind): string {
    switch (kind) {
      case 'loss':
        return this.#loss();
      case 'delay':
        return this.#delay();
      case 'duplicate':
        return this.#duplicate();
      case 'reorder':
        return this.#reorder();
      case 'half-open':
        return this.#halfOpen();
      case 'partition':
        return this.#partition();
      case 'process-crash':
        return this.#crash();
      case 'server-power-loss':
        return this.#serverPowerLoss();
      case 'device-power-loss':
        return this.#devicePowerLoss();
      case 'pause':
        return this.#pause();
      case 'clock-jump':
        return this.#clockJump();
      case 'disk-full':
        return this.#diskFull();
      case 'slow-disk':
        return this.#slowDisk();
      case 'gate-drain':
        return this.#drain();
    }
  }

  /** Something that lasts a while, or until all faults end. */
  #last(ms: number, end: () => void): void {
    const once = (): void => {
      if (!this.#lasting.delete(once)) return;
      end();
    };
    this.#lasting.add(once);
    this.#system.time.schedule(ms, once);
  }

  #while(): number {
    return this.#chance.skewed(300, 15_000);
  }

  /** Segments get lost: connections stall until they are sent again, or break. */
  #loss(): string {
    const hit = this.#system.channels().filter(() => this.#chance.happens(0.5));
    for (const channel of hit) {
      if (this.#chance.happens(0.5)) channel.reset();
      else channel.stall(this.#chance.skewed(100, 5_000));
    }
    const links = this.#system.nodes.flatMap((node) => [...node.links.values()]).filter((link) => !link.broken);
    const link = this.#chance.happens(0.4) ? this.#chance.maybe(links) : undefined;
    link?.break();
    return `${hit.length} connections${link ? ' and a link' : ''}`;
  }

  #delay(): string {
    const [a, b] = this.#pair();
    const ms = this.#chance.skewed(100, 3_000);
    this.#last(this.#while(), this.#system.network.slowDown(a, b, ms));
    return `${a.name} ${b.name} ${ms} ms`;
  }

  /** Requests arrive twice, or their answers get lost and they are asked again. */
  #duplicate(): string {
    const { devices } = this.#system;
    const device = this.#chance.pick(devices);
    device.httpFaults.doubles = 0.5;
    device.httpFaults.losesAnswer = 0.3;
    this.#last(this.#while(), () => {
      device.httpFaults.doubles = 0;
      device.httpFaults.losesAnswer = 0;
    });
    // What a device sent is answered by nobody: it sends it again on the next connection.
    for (const channel of this.#system.channels()) if (this.#chance.happens(0.4)) channel.halfOpen(false, true);
    return device.name;
  }

  /** Each pair of machines gets a delay of its own: what is sent later on another way comes first. */
  #reorder(): string {
    const { network } = this.#system;
    const machines = this.#system.machines();
    const ends: Array<() => void> = [];
    for (const a of machines) {
      for (const b of machines) {
        if (a.name < b.name && this.#chance.happens(0.3))
          ends.push(network.slowDown(a, b, this.#chance.skewed(5, 800)));
      }
    }
    this.#last(this.#while(), () => {
      for (const end of ends) end();
    });
    return `${ends.length} ways`;
  }

  #halfOpen(): string {
    const hit = this.#system.channels().filter(() => this.#chance.happens(0.4));
    for (const channel of hit) {
      const up = this.#chance.happens(0.6);
      channel.halfOpen(up, !up || this.#chance.happens(0.5));
    }
    return `${hit.length} connections`;
  }

  #partition(): string {
    const machines = this.#chance.shuffled(this.#system.machines());
    const side = machines.slice(0, this.#chance.between(1, Math.max(1, Math.floor(machines.length / 2))));
    const other = machines.filter((machine) => !side.includes(machine));
    const ends = side.flatMap((a) => other.map((b) => this.#system.network.cut(a, b)));
    this.#last(this.#while(), () => {
      for (const end of ends) end();
    });
    return side.map(({ name }) => name).join(' ');
  }

  #crash(): string {
    const { system } = this;
    const what = this.#chance.pick(['gate', 'logic', 'api', 'device', 'device', 'database'] as const);
    const back = this.#chance.skewed(200, 8_000);
    if (what === 'device') {
      const device = this.#chance.pick(system.devices);
      device.die('crash');
      this.#last(back, () => system.boot(device));
      return device.name;
    }
    if (what === 'database') {
      system.database.fail('crash');
      this.#last(back, () => system.database.start());
      return what;
    }
    const servers = { gate: system.gates, logic: system.nodes, api: [system.api] };
    const server = this.#chance.pick<{ name: string; crash(): void; start(): void }>(servers[what]);
    server.crash();
    this.#last(back, () => server.start());
    return server.name;
  }

  /** The database's machine goes off; now and then everything in the same room does. */
  #serverPowerLoss(): string {
    const { system } = this;
    const all = this.#chance.happens(0.4);
    const back = this.#chance.skewed(300, 8_000);
    system.database.fail('power');
    if (all) {
      for (const server of [...system.nodes, ...system.gates, system.api]) server.crash();
    }
    this.#last(back, () => {
      system.database.start();
      if (all) for (const server of [...system.nodes, ...system.gates, system.api]) server.start();
    });
    return all ? 'everything' : 'database';
  }

  #devicePowerLoss(): string {
    const device = this.#chance.pick(this.#system.devices);
    device.die('power');
    this.#last(this.#chance.skewed(300, 10_000), () => this.#system.boot(device));
    return device.name;
  }

  #pause(): string {
    const machine = this.#chance.pick(this.#system.machines().filter(({ life }) => life?.alive));
    const { life } = machine;
    life!.pause();
    this.#last(this.#chance.skewed(500, 25_000), () => life!.goOn());
    return machine.name;
  }

  #clockJump(): string {
    const { system } = this;
    const machines = system.machines().filter((machine) => machine !== system.database.machine);
    const machine = this.#chance.pick(machines);
    const ms = this.#chance.between(-TEN_MINUTES, TEN_MINUTES);
    machine.setClock(Math.max(-TEN_MINUTES, Math.min(TEN_MINUTES, machine.clockOffsetMs + ms)));
    return `${machine.name} ${ms} ms`;
  }

  #diskFull(): string {
    const { system } = this;
    if (this.#chance.happens(0.5)) {
      system.database.disk.full = true;
      this.#last(this.#while(), () => {
        system.database.disk.full = false;
      });
      return 'database';
    }
    const device = this.#chance.pick(system.devices);
    device.diskFaults.full = true;
    this.#last(this.#while(), () => {
      device.diskFaults.full = false;
    });
    return device.name;
  }

  #slowDisk(): string {
    const { system } = this;
    const slowdown = this.#chance.skewed(5, 100);
    if (this.#chance.happens(0.5)) {
      system.database.disk.slowdown = slowdown;
      this.#last(this.#while(), () => {
        system.database.disk.slowdown = 1;
      });
      return `database ${slowdown}`;
    }
    const device = this.#chance.pick(system.devices);
    device.diskFaults.slowdown = slowdown;
    this.#last(this.#while(), () => {
      device.diskFaults.slowdown = 1;
    });
    return `${device.name} ${slowdown}`;
  }

  /** As an upgrade does it: drained, stopped, started anew. */
  #drain(): string {
    const gate = this.#chance.pick(this.#system.gates);
    const { life } = gate;
    gate.drainAndStop().then(
      () => gate.machine.time.schedule(this.#over ? 0 : 500, () => gate.start()),
      () => undefined,
    );
    life?.onEnd(() => this.#system.time.schedule(1_000, () => gate.start()));
    return gate.name;
  }

  #pair(): [Machine, Machine] {
    const [a, b] = this.#chance.shuffled(this.#system.machines());
    return [a!, b!];
  }
}
