import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { seededRandom } from '../testing/index.ts';
import { AckQueue } from './ack-queue.ts';

const WINDOW = 3;
const BASE = 100;
const CAP = 400;

interface ModelEntry {
  id: string;
  lane: string;
  /** Position on the wire of this connection; undefined: not out. */
  sentAt: number | undefined;
  heldUntil: number;
}

/** The simplest thing that keeps the promises: a list, searched through each time. */
interface Model {
  entries: ModelEntry[];
  online: boolean;
  now: number;
}

type Real = AckQueue;

function laneOf(model: Model, lane: string): ModelEntry[] {
  return model.entries.filter((entry) => entry.lane === lane);
}

class Add implements fc.Command<Model, Real> {
  readonly id: string;
  readonly lane: string;
  constructor(id: string, lane: string) {
    this.id = id;
    this.lane = lane;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    if (!model.entries.some((entry) => entry.id === this.id)) {
      model.entries.push({ id: this.id, lane: this.lane, sentAt: undefined, heldUntil: 0 });
    }
    real.add(this.id, this.lane);
  }
  toString = () => `add ${this.id} to ${this.lane}`;
}

class Connection implements fc.Command<Model, Real> {
  readonly online: boolean;
  constructor(online: boolean) {
    this.online = online;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    model.online = this.online;
    for (const entry of model.entries) entry.sentAt = undefined;
    if (this.online) real.connected();
    else real.disconnected();
    expect(real.inFlight).toBe(0);
  }
  toString = () => (this.online ? 'connected' : 'disconnected');
}

class Settle implements fc.Command<Model, Real> {
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    const known = model.entries.some((entry) => entry.id === this.id);
    model.entries = model.entries.filter((entry) => entry.id !== this.id);
    expect(real.settle(this.id)).toBe(known);
  }
  toString = () => `settle ${this.id}`;
}

class Postpone implements fc.Command<Model, Real> {
  readonly id: string;
  readonly delay: number;
  constructor(id: string, delay: number) {
    this.id = id;
    this.delay = delay;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    const entry = model.entries.find(({ id }) => id === this.id);
    real.postpone(this.id, model.now, this.delay);
    if (!entry) return;
    entry.heldUntil = model.now + this.delay;
    const lane = laneOf(model, entry.lane);
    for (const other of lane.slice(lane.indexOf(entry))) other.sentAt = undefined;
  }
  toString = () => `postpone ${this.id} by ${this.delay}`;
}

class Take implements fc.Command<Model, Real> {
  readonly passed: number;
  constructor(passed: number) {
    this.passed = passed;
  }
  check = () => true;
  run(model: Model, real: Real): void {
    model.now += this.passed;
    const now = model.now;
    const due = real.takeDue(now);
    if (!model.online) expect(due).toEqual([]);
    expect(new Set(due).size).toBe(due.length);
    const resentLanes = new Set<string>();
    for (const id of due) {
      const entry = model.entries.find((one) => one.id === id)!;
      expect(entry).toBeDefined();
      const lane = laneOf(model, entry.lane);
      const older = lane.slice(0, lane.indexOf(entry));
      // Never before an older one has gone out, and not while one of them (or itself) is held back.
      expect(older.every((one) => one.sentAt !== undefined)).toBe(true);
      expect([...older, entry].every((one) => one.sentAt !== undefined || one.heldUntil <= now)).toBe(true);
      if (entry.sentAt !== undefined) {
        // A resend has a late entry at its head, and takes all younger ones that are out with it, in order.
        if (!resentLanes.has(entry.lane)) expect(now - entry.sentAt).toBeGreaterThan(BASE);
        resentLanes.add(entry.lane);
        const resent = due.filter((one) => lane.some((other) => other.id === one));
        const from = lane.indexOf(lane.find((one) => one.id === resent[0])!);
        expect(resent).toEqual(lane.slice(from, from + resent.length).map((one) => one.id));
      }
      entry.sentAt = now;
    }
    const out = model.entries.filter((entry) => entry.sentAt !== undefined);
    expect(real.inFlight).toBe(out.length);
    expect(out.length).toBeLessThanOrEqual(WINDOW);
    if (!model.online) return;
    // Nobody is forgotten: what is out is not past its longest wait, and room is used when somebody can go.
    for (const entry of out) expect(now - entry.sentAt!).toBeLessThanOrEqual(BASE + CAP);
    if (out.length < WINDOW) {
      for (const entry of model.entries.filter((one) => one.sentAt === undefined)) {
        const lane = laneOf(model, entry.lane);
        const upTo = lane.slice(0, lane.indexOf(entry) + 1);
        expect(upTo.some((one) => one.sentAt === undefined && one.heldUntil > now)).toBe(true);
      }
    }
    const next = real.nextTimeout();
    if (next === undefined) expect(out).toEqual([]);
    else expect(next).toBeGreaterThan(now);
    expect(real.takeDue(now)).toEqual([]);
  }
  toString = () => `take after ${this.passed} ms`;
}

const id = fc.constantFrom(...'abcdefghijkl');
const commands = [
  fc.tuple(id, fc.constantFrom('x', 'y', 'z')).map(([one, lane]) => new Add(one, lane)),
  fc.tuple(id, fc.constantFrom('x', 'y', 'z')).map(([one, lane]) => new Add(one, lane)),
  fc.constantFrom(true, true, false).map((online) => new Connection(online)),
  id.map((one) => new Settle(one)),
  fc.tuple(id, fc.nat({ max: 300 })).map(([one, delay]) => new Postpone(one, delay)),
  fc.nat({ max: 250 }).map((passed) => new Take(passed)),
  fc.nat({ max: 20 }).map((passed) => new Take(passed)),
];

describe('the ack queue, against a simple model', () => {
  it('keeps order, window and waits through any history', () => {
    fc.assert(
      fc.property(fc.commands(commands, { maxCommands: 60, size: 'max' }), fc.integer(), (history, seed) => {
        const setup = () => ({
          model: { entries: [], online: true, now: 1_000 } as Model,
          real: new AckQueue({
            window: WINDOW,
            timeout: { baseMs: BASE, capMs: CAP },
            random: seededRandom(seed),
          }),
        });
        fc.modelRun(() => {
          const state = setup();
          state.real.connected();
          return state;
        }, history);
      }),
      { numRuns: runs(400) },
    );
  });

  it('gets every message through a lossy line, in order, with bounded resending', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 0, max: 60 }), (seed, lossPercent) => {
        const random = seededRandom(seed);
        const queue = new AckQueue({ window: WINDOW, timeout: { baseMs: BASE, capMs: CAP }, random });
        const sent = Array.from({ length: 30 }, (_, index) => `${index % 2 === 0 ? 'x' : 'y'}${index}`);
        for (const one of sent) queue.add(one, one[0]!);
        queue.connected();
        // The far side takes each id once, and by connection only in order, as a server behind TCP does.
        const stored: string[] = [];
        let now = 0;
        for (let turn = 0; queue.size > 0; turn += 1) {
          expect(turn).toBeLessThan(5_000);
          let broken = random() * 100 < lossPercent / 4;
          for (const one of queue.takeDue(now)) {
            if (broken) continue;
            if (!stored.includes(one)) stored.push(one);
            if (random() * 100 < lossPercent) broken = true;
            else queue.settle(one);
          }
          if (broken) {
            queue.disconnected();
            queue.connected();
          }
          now = Math.max(now + 1, queue.nextTimeout() ?? now + 1);
        }
        for (const lane of 'xy') {
          expect(stored.filter((one) => one.startsWith(lane))).toEqual(sent.filter((one) => one.startsWith(lane)));
        }
      }),
      { numRuns: runs(100) },
    );
  });
});
