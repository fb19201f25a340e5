import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { forEach } from '../bench/progress.ts';
import type { DeviceOptions, Place } from './device.ts';
import type { DriverCalls } from './driver-calls.ts';
import { DriverProcess } from './driver-process.ts';
import { password, userName, type World } from './world.ts';

const PROCESSES = 3;
const AT_A_TIME = 3;
const KNOW_MS = 60_000;
const SETTLE_LOOK_MS = 1_000;

/** All devices, spread over processes so that none of them is what the run waits for. */
export class Drivers {
  readonly directory: string;
  readonly #run: string;
  readonly #serverUrl: string;
  readonly #world: World;
  readonly #processes: readonly DriverProcess[];
  readonly #userIds = new Map<number, string>();
  readonly #conversationIds = new Map<number, string>();

  constructor(options: { directory: string; run: string; serverUrl: string; world: World }) {
    this.directory = options.directory;
    this.#run = options.run;
    this.#serverUrl = options.serverUrl;
    this.#world = options.world;
    const names = Array.from({ length: PROCESSES }, (_, index) => String(index + 1));
    this.#processes = names.map((name) => new DriverProcess(options.directory, name));
    this.historyFiles = names.map((name) => join(options.directory, `history-${name}.jsonl`));
  }

  readonly historyFiles: readonly string[];

  /** Users, devices and conversations are there, and everybody is online. */
  async prepare(): Promise<void> {
    const { devices, users, conversations } = this.#world;
    const open = async (device: (typeof devices)[number]) => {
      const { userId } = await this.#of(device.index).call('open', this.#options(device.index, device.user, 60_000));
      this.#userIds.set(device.user, userId);
    };
    // The first device of each user registers him.
    await forEach(devices.slice(0, users), AT_A_TIME, open);
    await forEach(devices.slice(users), AT_A_TIME, open);
    await forEach(conversations, AT_A_TIME, async (conversation) => {
      this.#conversationIds.set(conversation.index, await this.#make(conversation));
    });
    await this.#untilAllKnow();
  }

  async #make({ index, kind, members }: World['conversations'][number]): Promise<string> {
    const [maker = 0, ...others] = members;
    const userIds = others.map((user) => this.#userIds.get(user)!);
    if (kind === 'group') {
      const group = { device: maker, name: `Group ${index}`, userIds };
      return (await this.#of(maker).call('makeGroup', group)).conversationId;
    }
    // Every device opens it: else the others would hear of it with the first message only.
    let id = '';
    for (const device of this.#world.devices) {
      if (!members.includes(device.user)) continue;
      const other = members.find((user) => user !== device.user) ?? device.user;
      const opened = { device: device.index, userId: this.#userIds.get(other)! };
      id = (await this.#of(device.index).call('makeDirect', opened)).conversationId;
    }
    return id;
  }

  /** Nobody writes into a conversation that he has not heard of. */
  async #untilAllKnow(): Promise<void> {
    const deadline = performance.now() + KNOW_MS;
    for (;;) {
      const known = new Map((await this.#all('heads', {})).flat().map(({ device, heads }) => [device, heads]));
      const waiting = this.#world.devices.filter(({ index, user }) => {
        const ids = new Set(known.get(index)?.map(({ conversationId }) => conversationId));
        return !this.places(user).every(({ conversationId }) => ids.has(conversationId));
      });
      if (waiting.length === 0) return;
      if (performance.now() > deadline) {
        throw new Error(`devices ${waiting.map(({ index }) => index).join(', ')} do not know their conversations`);
      }
      await sleep(200);
    }
  }

  async begin(perSecond: number): Promise<void> {
    const { devices } = this.#world;
    await Promise.all(
      devices.map(({ index, user }) =>
        this.#of(index).call('begin', {
          device: index,
          places: this.places(user),
          perSecond: perSecond / devices.length,
        }),
      ),
    );
  }

  async end(): Promise<void> {
    await this.#all('end', {});
  }

  /** What is missing, in words, until every device is online, everything was acknowledged, and all agree on heads and unread. */
  async unsettled(): Promise<readonly string[]> {
    const missing: string[] = [];
    for (const { device, online, unacked, ended } of (await this.#all('states', {})).flat()) {
      if (ended !== undefined) missing.push(`device ${device} was ended: ${ended}`);
      else if (!online) missing.push(`device ${device} is not online`);
      else if (unacked > 0) missing.push(`device ${device} waits for ${unacked} answers`);
    }
    if (missing.length > 0) return missing;
    const heads = new Map<string, number>();
    const reads = new Map<string, string>();
    for (const { device, heads: own } of (await this.#all('heads', {})).flat()) {
      const user = this.#world.devices[device]?.user;
      for (const { conversationId, headSeq, readSeq, unread, unsent } of own) {
        const where = `device ${device}, conversation ${conversationId}`;
        if (unsent > 0) missing.push(`${where}: ${unsent} unsent messages`);
        const head = heads.get(conversationId) ?? headSeq;
        if (head !== headSeq) missing.push(`${where}: head ${headSeq}, on another device ${head}`);
        heads.set(conversationId, headSeq);
        const stand = `read up to ${readSeq}, ${unread} unread`;
        const other = reads.get(`${user} ${conversationId}`) ?? stand;
        if (other !== stand) missing.push(`${where}: ${stand}; on another device of user ${user} ${other}`);
        reads.set(`${user} ${conversationId}`, stand);
      }
    }
    return missing;
  }

  /** Waits until nothing is missing; what still is after `patienceMs`. */
  async settle(patienceMs: number): Promise<readonly string[]> {
    const deadline = performance.now() + patienceMs;
    for (let quiet = 0; ; ) {
      const missing = await this.unsettled();
      quiet = missing.length === 0 ? quiet + 1 : 0;
      // Twice, so that what was just being told has arrived.
      if (quiet === 2 || performance.now() > deadline) return missing;
      await sleep(SETTLE_LOOK_MS);
    }
  }

  /** Every device writes what it has of everything into a file of its own. How many changes were still under way there. */
  async readAll(name: string): Promise<{ files: string[]; changing: number }> {
    const files: string[] = [];
    let changing = 0;
    await forEach(this.#world.devices, AT_A_TIME, async ({ index, user }) => {
      const file = join(this.directory, `${name}-device-${index}.jsonl`);
      files.push(file);
      const read = await this.#of(index).call('read', { device: index, places: this.places(user), file });
      changing += read.changing;
    });
    return { files, changing };
  }

  /** The same of a new device of each user. */
  async readFresh(): Promise<string[]> {
    const files: string[] = [];
    const users = Array.from({ length: this.#world.users }, (_, user) => user);
    await forEach(users, AT_A_TIME, async (user) => {
      const file = join(this.directory, `fresh-device-of-user-${user}.jsonl`);
      files.push(file);
      const index = this.#world.devices.length + user;
      const options = { ...this.#options(index, user, 60_000), directory: undefined };
      await this.#of(user).call('readFresh', { options, places: this.places(user), file });
    });
    return files;
  }

  /** What the user takes part in. */
  places(user: number): Place[] {
    return this.#world.conversations
      .filter(({ members }) => members.includes(user))
      .map(({ index, weight }) => ({ index, weight, conversationId: this.#conversationIds.get(index)! }));
  }

  credentials(user: number): { username: string; password: string } {
    return { username: userName(this.#run, user), password: password(this.#run, user) };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
  }

  #options(index: number, user: number, patienceMs: number): DeviceOptions {
    return {
      index,
      user,
      run: this.#run,
      serverUrl: this.#serverUrl,
      ...this.credentials(user),
      directory: join(this.directory, 'devices'),
      patienceMs,
    };
  }

  #of(device: number): DriverProcess {
    return this.#processes[device % this.#processes.length]!;
  }

  #all<Name extends keyof DriverCalls>(call: Name, params: DriverCalls[Name]['params']) {
    return Promise.all(this.#processes.map((process) => process.call(call, params)));
  }
}
