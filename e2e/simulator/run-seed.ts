import { FastimError } from '@fastim/protocol';
import { type Logger, pino } from 'pino';
import type { Client } from '../../apps/desktop/src/engine/client.ts';
import type { Logger as EngineLogger } from '../../apps/desktop/src/engine/ports.ts';
import { type Device, SERVER_URL } from './device/device.ts';
import { FaultInjector } from './faults/fault-injector.ts';
import type { FaultKind } from './faults/fault-kinds.ts';
import { checkBounds } from './invariants/bounds.ts';
import { DeviceCheck, type Difference } from './invariants/device-check.ts';
import { RisingStates } from './invariants/rising-states.ts';
import { Ledger } from './operations/ledger.ts';
import { type ActionName, operationMix } from './operations/operation-mix.ts';
import { UserActions } from './operations/user-actions.ts';
import { type PlanChanges, planOf } from './plan.ts';
import { type Flaws, System } from './system.ts';
import { type Chance, streamOf } from './world/seeded.ts';
import { Trace } from './world/trace.ts';

export interface Violation {
  readonly invariant: string;
  readonly message: string;
  readonly atMs: number;
}

export interface SeedResult {
  readonly seed: number;
  readonly hash: string;
  readonly operations: number;
  readonly faults: number;
  readonly faultKinds: readonly FaultKind[];
  /** The faults that were planned and not left out, for `skipFaults`. */
  readonly faultNumbers: readonly number[];
  readonly events: number;
  /** Simulated ms from the end of the faults until everything was the same everywhere. */
  readonly convergedMs: number;
  readonly violations: readonly Violation[];
}

export interface SeedOptions extends PlanChanges {
  readonly flaws?: Flaws;
  /** Every step in words. */
  readonly onLine?: (line: string) => void;
  /** Left out, by number. */
  readonly skipOperations?: ReadonlySet<number>;
  readonly skipFaults?: ReadonlySet<number>;
}

/** After the last fault everything has to be the same everywhere within this (I11). */
export const CONVERGE_MS = 30_000;
const CHECK_EVERY_MS = 1_000;
const SETTLE_MS = 30_000;
/** Most operations that wait for one another at one device. */
const MOST_WAITING = 3;

const silent: EngineLogger = { debug: noop, info: noop, warn: noop, error: noop };

/** One run, whole. Must be called from a macrotask (see `simulate`). */
export function runSeed(seed: number, options: SeedOptions = {}): SeedResult {
  return new SeedRun(seed, options).run();
}

/** `runSeed` from anywhere. */
export function simulate(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(runSeed(seed, options));
      } catch (error) {
        reject(error);
      }
    });
  });
}

class SeedRun {
  readonly #seed: number;
  readonly #system: System;
  readonly #trace: Trace;
  readonly #ledger = new Ledger();
  readonly #options: SeedOptions;
  readonly #links: string[] = [];
  readonly #faults: FaultInjector;
  readonly #violations: Violation[] = [];
  /** device → what the person at it is still at; a new life begins anew. */
  readonly #busy = new Map<Device, { client: Client; waiting: number; last: Promise<void> }>();

  constructor(seed: number, options: SeedOptions) {
    this.#seed = seed;
    this.#trace = new Trace(options.onLine);
    const plan = planOf(seed, options);
    this.#system = new System({
      plan,
      trace: this.#trace,
      flaws: options.flaws ?? {},
      serverLogger: serverLogger(this.#trace),
      deviceLogger: (device) => (this.#trace.spoken ? engineLogger(this.#trace, device) : silent),
      report: (invariant, message) => this.#report(invariant, message),
      laneOf: (operation) => this.#ledger.laneOf(operation),
    });
    this.#options = options;
    this.#faults = new FaultInjector(this.#system);
    for (const device of this.#system.devices) {
      device.onBoot = (client) => {
        new RisingStates((invariant, message) => this.#report(invariant, `${device.name}: ${message}`)).watch(client);
      };
    }
  }

  run(): SeedResult {
    const { time, plan } = this.#system;
    let convergedMs = 0;
    this.#system.startServers();
    this.#system.bootDevices();
    time.run(500);
    const settled = this.#begin();
    if (settled) {
      this.#faults.schedule(this.#options.skipFaults ?? new Set());
      this.#scheduleOperations();
      time.run(time.now + plan.durationMs, () => this.#violations.length > 0);
      convergedMs = this.#converge();
      if (this.#violations.length === 0) this.#checkEnd();
    }
    return {
      seed: this.#seed,
      hash: this.#trace.hash,
      operations: this.#ledger.tried,
      faults: this.#faults.count,
      faultKinds: plan.faults,
      faultNumbers: this.#faults.numbers,
      events: time.events,
      convergedMs,
      violations: this.#violations,
    };
  }

  #report(invariant: string, message: string): void {
    const { now } = this.#system.time;
    this.#trace.step(`violation ${invariant}`, 0, message);
    if (this.#violations.length < 20) this.#violations.push({ invariant, message, atMs: Math.round(now) });
  }

  // ---- the beginning, without faults ----

  /** Everybody registers and is logged in everywhere. */
  #begin(): boolean {
    const { devices, time } = this.#system;
    let left = devices.length;
    const enter = async (device: Device, known: Promise<void>): Promise<void> => {
      const person = this.#system.personOf(device);
      await known;
      for (;;) {
        try {
          if (person.userId === undefined) await this.#register(device);
          else await this.#actions('begin').logIn(device, device.client!);
          left -= 1;
          return;
        } catch (error) {
          if (!(error instanceof FastimError)) throw error;
          await device.life!.sleep(500);
        }
      }
    };
    const registered = new Map<number, Promise<void>>();
    for (const device of devices) {
      const before = registered.get(device.user);
      const mine = enter(device, before ?? Promise.resolve());
      if (!before) registered.set(device.user, mine);
    }
    time.run(time.now + SETTLE_MS, () => left === 0);
    if (left > 0) this.#report('I11', `${left} devices could not log in, without any fault`);
    return left === 0;
  }

  async #register(device: Device): Promise<void> {
    const person = this.#system.personOf(device);
    const { username, password } = person;
    const account = await device.client!.register({ serverUrl: SERVER_URL, username, displayName: '', password });
    person.userId = account.user.userId;
    device.loggedIn = true;
  }

  // ---- what people do ----

  #scheduleOperations(): void {
    const { time, plan } = this.#system;
    for (let index = 0; index < plan.operations; index += 1) {
      const chance = streamOf(plan.seed, `operation/${index}`);
      const at = chance.fraction() * plan.durationMs;
      if (!this.#options.skipOperations?.has(index)) time.schedule(at, () => this.#act(chance));
    }
  }

  #actions(stream: string | Chance): UserActions {
    const chance = typeof stream === 'string' ? streamOf(this.#seed, stream) : stream;
    return new UserActions(this.#system, chance, this.#ledger, this.#links);
  }

  #act(chance: Chance): void {
    const device = chance.pick(this.#system.devices);
    const action: ActionName = device.loggedIn ? chance.weighted(operationMix) : 'logIn';
    this.#ledger.tried += 1;
    const { client } = device;
    if (!client) return;
    let busy = this.#busy.get(device);
    if (busy?.client !== client) {
      busy = { client, waiting: 0, last: Promise.resolve() };
      this.#busy.set(device, busy);
    }
    if (busy.waiting >= MOST_WAITING) return;
    const mine = busy;
    mine.waiting += 1;
    this.#trace.step('does', this.#ledger.tried, `${device.name} ${action}`);
    mine.last = mine.last
      .then(() => this.#actions(chance)[action](device, client))
      .then(
        () => {
          this.#ledger.done += 1;
          this.#trace.step('done', 0, `${device.name} ${action}`);
        },
        (error: unknown) => this.#failed(device, action, error),
      )
      .finally(() => {
        mine.waiting -= 1;
      });
  }

  #failed(device: Device, action: string, error: unknown): void {
    if (error instanceof FastimError && error.reason !== 'INTERNAL') {
      this.#ledger.refused += 1;
      this.#trace.step('refused', error.code, `${device.name} ${action} ${error.message}`);
      return;
    }
    this.#report('ERR', `${device.name} ${action}: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
  }

  // ---- the end ----

  /** Resolves with the simulated ms that it took. */
  #converge(): number {
    if (this.#violations.length > 0) return 0;
    const { time, devices } = this.#system;
    this.#faults.endAll();
    this.#trace.step('faults end', this.#faults.count);
    const began = time.now;
    for (const device of devices) this.#comeBack(device);
    let differences: readonly Difference[] = [];
    while (time.now - began < CONVERGE_MS && this.#violations.length === 0) {
      time.run(time.now + CHECK_EVERY_MS, () => this.#violations.length > 0);
      differences = this.#differences();
      if (differences.length === 0) return Math.round(time.now - began);
    }
    if (this.#violations.length > 0) return 0;
    for (const { invariant, message } of differences.slice(0, 5)) this.#report(invariant, `after 30 s: ${message}`);
    return Math.round(time.now - began);
  }

  /** Whoever is logged out logs in again, as soon as that works. */
  #comeBack(device: Device): void {
    const { life, client } = device;
    if (!life || !client) return;
    const again = async (): Promise<void> => {
      const app = await client.app().catch(() => undefined);
      if (!app) return;
      if (app.account === null || app.connection.state === 'ended') {
        await this.#actions('end').logIn(device, client).catch(noop);
      }
      // A draft from elsewhere does not replace what is being written on the screen.
      if (app.openConversationId !== null) await client.setOpenConversation({ conversationId: null }).catch(noop);
    };
    const look = (): void => {
      void again();
      life.after(1_500, look);
    };
    look();
  }

  /** Of the first device that differs. The lists are compared before any page: they are cheap, and mostly enough. */
  #differences(): readonly Difference[] {
    const devices = [...this.#system.devices];
    for (const whole of [false, true]) {
      for (const device of devices) {
        const found = this.#checkDevice(device, whole);
        if (found.length > 0) return found;
      }
    }
    // What was written a moment ago may still be on its way.
    return this.#missing();
  }

  #checkDevice(device: Device, whole: boolean): readonly Difference[] {
    const { client, life } = device;
    const { userId } = this.#system.personOf(device);
    if (!client || !life?.alive || userId === undefined) {
      return [{ invariant: 'I11', message: `${device.name} does not run` }];
    }
    const check = new DeviceCheck(this.#system.truth, userId, device.name);
    let over = false;
    const look = async (): Promise<void> => {
      const views = await check.list(client);
      for (const view of whole ? views : []) {
        if (check.differences.length > 0) return;
        await check.messages(client, view);
      }
    };
    look().then(
      () => {
        over = true;
      },
      (error: unknown) => {
        over = true;
        check.differences.push({ invariant: 'I11', message: `${device.name} cannot be looked at: ${error}` });
      },
    );
    const { time } = this.#system;
    time.run(time.now + 5_000, () => over || this.#violations.length > 0);
    if (!over) return [{ invariant: 'I11', message: `${device.name} cannot be looked at` }];
    return check.differences;
  }

  /** What devices were told is accepted, and is not in the log though it could be. */
  #missing(): readonly Difference[] {
    const { truth } = this.#system;
    const missing: Difference[] = [];
    for (const { operation, device, conversationId, head } of this.#ledger.accepted.values()) {
      if (truth.hasEffect(operation)) continue;
      const conversation = truth.conversations.get(conversationId);
      const { userId } = this.#system.people[this.#system.devices[device]!.user]!;
      const member = conversation?.members.get(userId!);
      // Who was put out or silenced since may have been refused.
      const silenced = conversation?.isGroup === true && (member?.lastSilencedAt ?? 0) > 0;
      if (silenced || (conversation?.isGroup && conversation.group.muteAll)) continue;
      const message = `operation ${operation} of device${device + 1} in ${conversationId} (head ${head}) was lost`;
      missing.push({ invariant: 'I1', message });
    }
    return missing;
  }

  #checkEnd(): void {
    const { truth } = this.#system;
    truth.recovered();
    for (const { invariant, message } of this.#missing()) this.#report(invariant, message);
    checkBounds(this.#system, (invariant, message) => this.#report(invariant, message));
  }
}

function serverLogger(trace: Trace): Logger {
  if (!trace.spoken) return pino({ level: 'silent' });
  const stream = { write: (line: string) => trace.say(() => line.trimEnd()) };
  return pino({ level: process.env.SIM_LEVEL ?? 'info', base: null, timestamp: false }, stream);
}

function engineLogger(trace: Trace, device: string): EngineLogger {
  const say = (level: string) => (fields: object, message: string) =>
    trace.say(() => `${level} ${device} ${message} ${JSON.stringify(fields, jsonValue)}`);
  return { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
}

function jsonValue(_key: string, value: unknown): unknown {
  if (value instanceof Error) return value.stack;
  return typeof value === 'bigint' ? String(value) : value;
}

function noop(): void {}
