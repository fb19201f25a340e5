import { describe, expect, it } from 'vitest';
import { SimulatedDisk } from '../server/simulated-disk.ts';
import { EventQueue } from './event-queue.ts';
import { Machine } from './machine.ts';
import { Network } from './network.ts';
import { Pipe } from './pipe.ts';
import { Chance, streamOf } from './seeded.ts';
import { Trace } from './trace.ts';
import { VirtualTime } from './virtual-time.ts';

function world(seed = 1) {
  const time = new VirtualTime(streamOf(seed, 'ties'), new Trace());
  return { time, network: new Network(time, streamOf(seed, 'network')) };
}

/** Virtual time runs from a macrotask only. */
function inMacrotask<T>(run: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(run());
      } catch (error) {
        reject(error);
      }
    });
  });
}

describe('the event queue', () => {
  it('gives events out by time, then by tie, then by number', () => {
    const queue = new EventQueue();
    const chance = new Chance(7);
    const events = Array.from({ length: 500 }, (_, number) => ({
      at: chance.between(0, 20),
      tie: chance.between(0, 3),
      number,
      run: undefined,
    }));
    for (const event of events) queue.push(event);
    const sorted = [...events].sort((a, b) => a.at - b.at || a.tie - b.tie || a.number - b.number);
    expect(events.map(() => queue.pop())).toEqual(sorted);
    expect(queue.pop()).toBeUndefined();
  });
});

describe('virtual time', () => {
  it('runs every promise that can go on before the next event', async () => {
    const seen = await inMacrotask(() => {
      const { time } = world();
      const seen: string[] = [];
      time.schedule(5, () => {
        void Promise.resolve()
          .then(() => undefined)
          .then(() => seen.push(`promise at ${time.now}`));
      });
      time.schedule(6, () => seen.push(`event at ${time.now}`));
      time.run(100);
      seen.push(`end at ${time.now}`);
      return seen;
    });
    expect(seen).toEqual(['promise at 5', 'event at 6', 'end at 100']);
  });
});

describe('a process', () => {
  it('does nothing while it is stopped, and catches up in order when it goes on', async () => {
    const seen = await inMacrotask(() => {
      const { time } = world();
      const life = new Machine('a', time, 1).begin();
      const seen: string[] = [];
      for (const ms of [10, 20, 30, 60]) life.after(ms, () => seen.push(`${ms} at ${time.now}`));
      time.schedule(5, () => life.pause());
      time.schedule(50, () => life.goOn());
      time.run(100);
      return seen;
    });
    expect(seen).toEqual(['10 at 50', '20 at 50', '30 at 50', '60 at 60']);
  });

  it('does nothing any more when it is dead, and its machine keeps the clock', async () => {
    const { seen, offset } = await inMacrotask(() => {
      const { time } = world();
      const machine = new Machine('a', time, 1);
      const life = machine.begin();
      const seen: string[] = [];
      life.after(20, () => seen.push('dead'));
      machine.setClock(-600_000);
      time.schedule(10, () => life.end('crash'));
      time.run(15);
      const next = machine.begin();
      next.after(1, () => seen.push('next life'));
      time.run(100);
      return { seen, offset: next.clock.now() - new Machine('b', time, 1).wallMs };
    });
    expect(seen).toEqual(['next life']);
    expect(offset).toBe(-600_000);
  });
});

describe('a pipe', () => {
  it('keeps the order, and holds everything back while the machines cannot reach each other', async () => {
    const seen = await inMacrotask(() => {
      const { time, network } = world();
      const [a, b] = [new Machine('a', time, 1), new Machine('b', time, 2)];
      const seen: number[] = [];
      const pipe = new Pipe<number>(network, a.begin(), b.begin(), (item) => seen.push(item));
      for (let item = 0; item < 20; item += 1) time.schedule(item, () => pipe.put(item));
      let heal = () => {};
      time.schedule(10, () => {
        heal = network.cut(a, b);
      });
      time.run(1_000);
      expect(seen.length).toBeLessThan(20);
      heal();
      time.run(3_000);
      return seen;
    });
    expect(seen).toEqual(Array.from({ length: 20 }, (_, item) => item));
  });
});

describe('the simulated disk', () => {
  it('never loses what was synced, and keeps only a beginning of the rest', () => {
    const lost: number[] = [];
    for (let seed = 0; seed < 200; seed += 1) {
      const disk = new SimulatedDisk<number>(new Chance(seed));
      for (let item = 0; item < 10; item += 1) disk.append(item);
      disk.synced(6);
      if (seed % 2 === 0) disk.powerLoss();
      else disk.crash();
      const left = disk.recover();
      expect(left.length).toBeGreaterThanOrEqual(6);
      expect(left).toEqual(Array.from({ length: left.length }, (_, item) => item));
      lost.push(10 - left.length);
    }
    // Everything from "all of it" to "nothing" happens.
    expect(new Set(lost)).toEqual(new Set([0, 1, 2, 3, 4]));
  });
});
