import { ManualClock, seededRandomPort } from '@fastim/core/testing';
import type { Client } from '../client.ts';
import type { EngineLimits } from '../limits.ts';
import type { ConversationView, MessageView } from '../views.ts';
import { FakeServer } from './fake-server.ts';
import { type DeviceProcess, SERVER_URL, SimulatedDevice } from './simulated-device.ts';

/** Lets every promise that can go on do so. Handed in, since the engine has no event loop of its own to wait for. */
export type Drain = () => Promise<void>;

/** A server, a clock and devices: what most tests of the engine begin with. */
export class World {
  readonly clock = new ManualClock();
  readonly server = new FakeServer(this.clock);
  readonly #drain: Drain;
  readonly #limits: Partial<EngineLimits>;
  #seed: number;

  constructor(drain: Drain, options: { seed?: number; limits?: Partial<EngineLimits> } = {}) {
    this.#drain = drain;
    this.#seed = options.seed ?? 1;
    this.#limits = options.limits ?? {};
  }

  device(): SimulatedDevice {
    this.#seed += 1;
    return new SimulatedDevice({
      server: this.server,
      clock: this.clock,
      random: seededRandomPort(this.#seed),
      limits: this.#limits,
    });
  }

  /** A device with somebody logged in, online and in sync. */
  async loggedIn(username: string, device = this.device()): Promise<DeviceProcess & { device: SimulatedDevice }> {
    const process = device.boot();
    await this.finish(process.client.start());
    await this.finish(process.client.logIn({ serverUrl: SERVER_URL, username, password: 'password' }));
    await this.until(async () => (await process.client.app()).connection.state === 'online');
    return { ...process, device };
  }

  /** The device's next process, with its client started. */
  async rebooted(device: SimulatedDevice): Promise<DeviceProcess> {
    const process = device.boot();
    await this.finish(process.client.start());
    return process;
  }

  /** Moves time on in small steps, with every promise kept up. */
  async advance(ms: number, stepMs = 10): Promise<void> {
    await this.#drain();
    for (let left = ms; left > 0; left -= stepMs) {
      this.clock.advance(Math.min(stepMs, left));
      await this.#drain();
    }
  }

  /** Moves time on until the call has ended; what it brings is the call's. */
  async finish<T>(call: Promise<T>, withinMs = 60_000): Promise<T> {
    let over = false;
    const mark = () => {
      over = true;
    };
    call.then(mark, mark);
    await this.#drain();
    for (let waited = 0; !over && waited < withinMs; waited += 10) await this.advance(10);
    if (!over) throw new Error(`a call did not end within ${withinMs} simulated ms`);
    return call;
  }

  async until(condition: () => Promise<boolean> | boolean, withinMs = 120_000): Promise<void> {
    for (let waited = 0; ; waited += 20) {
      if (await condition()) return;
      if (waited >= withinMs) throw new Error(`not so within ${withinMs} simulated ms`);
      await this.advance(20);
    }
  }

  online(client: Client): Promise<void> {
    return this.until(async () => (await client.app()).connection.state === 'online');
  }

  /** Everything that a device shows of a conversation, from the first message to the last. */
  async shown(client: Client, conversationId: string): Promise<MessageView[]> {
    let page = await this.finish(client.messagesPage({ conversationId, anchor: { at: 'newest' }, limit: 100 }));
    const all = [...page.messages];
    while (page.hasOlder && all.length > 0) {
      const order = all[0]!.order;
      page = await this.finish(client.messagesPage({ conversationId, anchor: { at: 'before', order }, limit: 100 }));
      all.unshift(...page.messages);
    }
    return all;
  }

  async conversation(client: Client, conversationId: string): Promise<ConversationView> {
    const found = (await client.listConversations()).find((view) => view.conversationId === conversationId);
    if (!found) throw new Error('the device does not know the conversation');
    return found;
  }
}
