import type { Clock, Random } from '@fastim/core';
import { randomPortOf } from './seeded.ts';
import type { Cancel, VirtualTime } from './virtual-time.ts';

/** 2026-11-23: later than the epoch of ids. */
const START_MS = 1_795_000_000_000;

/** One computer: its clock outlives the processes on it. */
export class Machine {
  readonly name: string;
  readonly time: VirtualTime;
  readonly #seed: number;
  /** What its clock is off. */
  clockOffsetMs = 0;
  /** The furthest that it ever stood ahead. */
  mostOffsetMs = 0;
  life: Life | undefined;
  #lives = 0;

  constructor(name: string, time: VirtualTime, seed: number) {
    this.name = name;
    this.time = time;
    this.#seed = seed;
  }

  get wallMs(): number {
    return Math.floor(START_MS + this.time.now + this.clockOffsetMs);
  }

  setClock(offsetMs: number): void {
    this.clockOffsetMs = offsetMs;
    this.mostOffsetMs = Math.max(this.mostOffsetMs, offsetMs);
  }

  /** Starts a process. The one before it must be dead. */
  begin(): Life {
    if (this.life?.alive) throw new Error(`${this.name} runs already`);
    this.#lives += 1;
    this.life = new Life(this, randomPortOf(this.#seed, `${this.name}/${this.#lives}`), this.#lives);
    return this.life;
  }
}

/** crash: the system closes what the process had open. power: nobody is told anything. */
export type Death = 'crash' | 'power';

/**
 * One run of a process. After `end` nothing of it runs any more, whatever it had arranged. While it is stopped (`pause`,
 * as by SIGSTOP) what comes for it waits, and follows in order when it goes on.
 */
export class Life {
  readonly machine: Machine;
  readonly random: Random;
  readonly number: number;
  readonly clock: Clock;
  #alive = true;
  #paused = false;
  #backlog: Array<() => void> = [];
  readonly #onEnd = new Set<(death: Death) => void>();

  constructor(machine: Machine, random: Random, number: number) {
    this.machine = machine;
    this.random = random;
    this.number = number;
    this.clock = {
      now: () => machine.wallMs,
      setTimer: (delayMs, callback) => this.after(delayMs, callback),
    };
  }

  get name(): string {
    return `${this.machine.name}#${this.number}`;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Something that happens to this process after a time, if it still lives then. */
  after(delayMs: number, run: () => void): Cancel {
    let cancelled = false;
    const cancelEvent = this.machine.time.schedule(delayMs, () =>
      this.enter(() => {
        if (!cancelled) run();
      }),
    );
    return () => {
      cancelled = true;
      cancelEvent();
    };
  }

  /** Runs it now, or when the process goes on; never when it is dead. */
  enter(run: () => void): void {
    if (!this.#alive) return;
    if (this.#paused || this.#backlog.length > 0) this.#backlog.push(run);
    else run();
  }

  /** Waits on the process's own time; for ever if it dies. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  /** Returns the function that forgets it again. */
  onEnd(run: (death: Death) => void): () => void {
    this.#onEnd.add(run);
    return () => {
      this.#onEnd.delete(run);
    };
  }

  pause(): void {
    this.#paused = true;
  }

  goOn(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#catchUp();
  }

  /** One at a time, in order; what comes meanwhile queues behind. */
  #catchUp(): void {
    if (this.#backlog.length === 0) return;
    this.machine.time.schedule(0, () => {
      if (this.#paused) return;
      this.#backlog[0]?.();
      this.#backlog.shift();
      this.#catchUp();
    });
  }

  end(death: Death): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#backlog = [];
    for (const run of this.#onEnd) run(death);
    this.#onEnd.clear();
  }
}
