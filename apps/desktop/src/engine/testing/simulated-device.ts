import type { Clock, Random } from '@fastim/core';
import { Client } from '../client.ts';
import type { EngineLimits } from '../limits.ts';
import type { Logger } from '../ports.ts';
import type { FakeServer } from './fake-server.ts';
import { MemoryDisk, MemoryStore } from './memory-store.ts';
import { silentLogger } from './silent-logger.ts';

export const SERVER_URL = 'http://server.test';

/** One run of the engine on a device: everything it can reach, and a way to kill it. */
export interface DeviceProcess {
  readonly client: Client;
  readonly store: MemoryStore;
  /** Like kill -9: nothing it had begun goes on; its disk is free for the next process. */
  crash(): void;
}

/** A device whose disk outlives its processes. */
export class SimulatedDevice {
  readonly disk = new MemoryDisk();
  readonly #server: FakeServer;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #limits: Partial<EngineLimits>;

  constructor(parts: {
    server: FakeServer;
    clock: Clock;
    random: Random;
    logger?: Logger;
    limits?: Partial<EngineLimits>;
  }) {
    this.#server = parts.server;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger ?? silentLogger;
    this.#limits = parts.limits ?? {};
  }

  boot(): DeviceProcess {
    const store = new MemoryStore(this.disk);
    const machine = this.#server.network.machine();
    let alive = true;
    const clock: Clock = {
      now: () => this.#clock.now(),
      setTimer: (delayMs, callback) =>
        this.#clock.setTimer(delayMs, () => {
          if (alive) callback();
        }),
    };
    const client = new Client({
      profile: 'test',
      suggestedServerUrl: SERVER_URL,
      clientVersion: 'test/1.0.0',
      deviceName: 'test device',
      store,
      transport: machine.transport,
      http: machine.http,
      clock,
      random: this.#random,
      logger: this.#logger,
      limits: this.#limits,
    });
    return {
      client,
      store,
      crash: () => {
        alive = false;
        store.crash();
        machine.crash();
      },
    };
  }
}
