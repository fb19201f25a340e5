import { createHash } from 'node:crypto';
import { seededRandom } from '@fastim/core/testing';
import { type Connection, connect, type FastimClient, FastimError, type Message } from '@fastim/desktop/sdk';
import type { Head } from './driver-calls.ts';
import type { HistoryEntry, SeenMessage } from './history.ts';

/** Waiting for their ack; with more, the device writes nothing new until some came. */
const MOST_UNACKED = 150;
const TICK_MS = 50;
const READ_EVERY_MS = 1_000;
const PAGE = 200;
/** Of the own messages that were acknowledged: what becomes of them. */
const EDITED = 0.03;
const RECALLED = 0.02;
/** Of what comes from others. */
const REACTED = 0.02;
const EMOJI = ['👍', '❤️', '😂'];

export interface DeviceOptions {
  readonly index: number;
  readonly user: number;
  readonly run: string;
  readonly serverUrl: string;
  readonly username: string;
  readonly password: string;
  /** Undefined: a device for once. */
  readonly directory: string | undefined;
  readonly patienceMs: number;
}

/** A conversation as the device is to use it. */
export interface Place {
  readonly index: number;
  readonly conversationId: string;
  readonly weight: number;
}

/** One installation at work: writes, edits, recalls, reacts and reads, and notes what it was told. */
export class ChaosDevice {
  readonly #options: DeviceOptions;
  readonly #client: FastimClient;
  readonly #note: (entry: HistoryEntry) => void;
  readonly #random: () => number;
  readonly #sent = new Map<number, number>();
  /** Of others, the newest in each conversation: what is read next. */
  readonly #newest = new Map<string, Message>();
  #places: readonly Place[] = [];
  #timers: NodeJS.Timeout[] = [];
  #unacked = 0;
  #changes = 0;
  #online = true;
  /** When the connection was lost, as long as the device has not caught up since; 0: it has. */
  #lostAt = 0;
  #back = true;
  #ended: string | undefined;

  private constructor(options: DeviceOptions, client: FastimClient, note: (entry: HistoryEntry) => void) {
    this.#options = options;
    this.#client = client;
    this.#note = note;
    this.#random = seededRandom(options.index * 7_919 + 1);
    client.on('connection', (connection) => this.#connection(connection));
    client.on('messages', ({ changed }) => this.#heard(changed));
  }

  /** `log`: what the client says of itself. */
  static async open(
    options: DeviceOptions,
    note: (entry: HistoryEntry) => void,
    log: (line: object) => void,
  ): Promise<ChaosDevice> {
    const say = (level: string) => (fields: object, message: string) =>
      log({ at: Date.now(), d: options.index, level, ...fields, message });
    const { serverUrl, username, password, directory, patienceMs, user } = options;
    const client = await connect({
      serverUrl,
      username,
      password,
      register: { displayName: `User ${user}` },
      ...(directory !== undefined && { directory, profile: `device-${options.index}` }),
      deviceName: `device ${options.index}`,
      timeoutMs: patienceMs,
      logger: { debug: () => undefined, info: say('info'), warn: say('warn'), error: say('error') },
    });
    client.on('connection', (connection) => say('info')({ ...connection }, 'connection'));
    return new ChaosDevice(options, client, note);
  }

  get userId(): string {
    return this.#client.account.user.userId;
  }

  async makeDirect(userId: string): Promise<string> {
    return (await this.#client.direct({ userId })).conversationId;
  }

  async makeGroup(name: string, userIds: readonly string[]): Promise<string> {
    return (await this.#client.groups.create({ name, userIds })).conversationId;
  }

  /** `perSecond` messages from now on. */
  begin(places: readonly Place[], perSecond: number): void {
    this.#places = places;
    let due = this.#random();
    let last = performance.now();
    const tick = () => {
      const now = performance.now();
      due = Math.min(due + ((now - last) / 1000) * perSecond, MOST_UNACKED);
      last = now;
      for (; due >= 1; due -= 1) if (this.#unacked < MOST_UNACKED) this.#send();
    };
    this.#timers = [setInterval(tick, TICK_MS), setInterval(() => this.#read(), READ_EVERY_MS)];
  }

  /** Nothing new from now on; what was written still goes out. */
  end(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
  }

  /** What is still under way here. */
  state(): { online: boolean; unacked: number; ended: string | undefined } {
    return { online: this.#online, unacked: this.#unacked + this.#changes, ended: this.#ended };
  }

  /** Where each conversation stands as far as the device knows. */
  async heads(): Promise<Head[]> {
    const conversations = await this.#client.conversations();
    return conversations.map(({ conversationId, headSeq, readSeq, unread, unsent }) => ({
      conversationId,
      headSeq,
      readSeq,
      unread,
      unsent,
    }));
  }

  /** Everything of a conversation, from old to new, page by page. `changing`: a change of its own is still under way. */
  async read(place: Place): Promise<{ messages: SeenMessage[]; changing: number }> {
    const messages: SeenMessage[] = [];
    let changing = 0;
    for await (const page of this.#client.history(place.conversationId, { from: 'oldest', pageSize: PAGE })) {
      for (const message of page) {
        if (message.changing) changing += 1;
        messages.push(seen(message));
      }
    }
    return { messages, changing };
  }

  async close(): Promise<void> {
    this.end();
    await this.#client.close();
  }

  #send(): void {
    const place = this.#choose();
    if (!place) return;
    const { index, run } = this.#options;
    const number = this.#sent.get(place.index) ?? 0;
    this.#sent.set(place.index, number + 1);
    const key = createHash('sha256').update(`${run} ${index} ${place.index} ${number}`).digest('hex').slice(0, 32);
    const padding = this.#random() < 0.05 ? ` ${'长 long '.repeat(Math.floor(this.#random() * 200))}` : '';
    const text = `device ${index}, message ${number}${padding}`.trim();
    this.#note({ t: 'send', at: Date.now(), d: index, c: place.index, n: number, key });
    this.#unacked += 1;
    this.#client
      .send(place.conversationId, text, { key })
      .then(
        (message) => this.#acked(place, key, message),
        (error: unknown) => this.#refused(key, error),
      )
      .finally(() => {
        this.#unacked -= 1;
      });
  }

  #acked(place: Place, key: string, message: Message): void {
    const { index } = this.#options;
    this.#note({ t: 'ok', at: Date.now(), key, seq: message.convSeq!, id: message.msgId! });
    const dice = this.#random();
    if (dice < EDITED) {
      const text = `edited ${Math.floor(this.#random() * 1_000_000)} by ${index}`;
      this.#change(this.#client.edit(message, text), () =>
        this.#note({ t: 'edit', at: Date.now(), d: index, c: place.index, key, text }),
      );
    } else if (dice < EDITED + RECALLED) {
      this.#change(this.#client.recall(message), () =>
        this.#note({ t: 'recall', at: Date.now(), d: index, c: place.index, key }),
      );
    }
  }

  #refused(key: string, error: unknown): void {
    const reason = error instanceof FastimError ? error.reason : String(error);
    // Said by the close of this client only: what becomes of the message is not known.
    if (reason !== 'UNAVAILABLE') this.#note({ t: 'fail', at: Date.now(), key, reason });
  }

  #change(change: Promise<void>, taken: () => void): void {
    this.#changes += 1;
    change
      // Recalled or deleted meanwhile: then it was not taken, and nothing is expected of it.
      .then(taken, () => undefined)
      .finally(() => {
        this.#changes -= 1;
      });
  }

  #heard(changed: readonly Message[]): void {
    const { index } = this.#options;
    for (const message of changed) {
      const { conversationId, convSeq, mine } = message;
      if (convSeq === null || mine) continue;
      if ((this.#newest.get(conversationId)?.convSeq ?? 0) >= convSeq) continue;
      this.#newest.set(conversationId, message);
      if (message.kind !== 'text' || this.#timers.length === 0 || this.#random() >= REACTED) continue;
      const place = this.#places.find((one) => one.conversationId === conversationId);
      const emoji = EMOJI[Math.floor(this.#random() * EMOJI.length)]!;
      if (!place) continue;
      this.#change(this.#client.react(message, emoji), () =>
        this.#note({ t: 'react', at: Date.now(), d: index, c: place.index, seq: convSeq, emoji }),
      );
    }
  }

  #read(): void {
    for (const [conversationId, message] of this.#newest) {
      if (this.#random() < 0.5) continue;
      this.#newest.delete(conversationId);
      this.#change(this.#client.markRead(message), () => undefined);
    }
  }

  #connection(connection: Connection): void {
    const { index } = this.#options;
    if (connection.state === 'ended') {
      this.#ended = connection.reason;
      this.#note({ t: 'ended', at: Date.now(), d: index, reason: this.#ended });
    }
    const { state } = connection;
    const now = Date.now();
    this.#online = state === 'online';
    if (state !== 'online' && state !== 'syncing') {
      if (this.#lostAt === 0) this.#lostAt = now;
      this.#back = false;
      return;
    }
    if (this.#lostAt === 0) return;
    // Logged in: what is written goes out. The rest of the time is for what was missed.
    if (!this.#back) this.#note({ t: 'back', at: now, d: index, ms: now - this.#lostAt });
    this.#back = true;
    if (!this.#online) return;
    this.#note({ t: 'synced', at: now, d: index, ms: now - this.#lostAt });
    this.#lostAt = 0;
  }

  #choose(): Place | undefined {
    const total = this.#places.reduce((sum, { weight }) => sum + weight, 0);
    let left = this.#random() * total;
    for (const place of this.#places) {
      left -= place.weight;
      if (left < 0) return place;
    }
    return this.#places.at(-1);
  }
}

function seen(message: Message): SeenMessage {
  const { key, convSeq, msgId, senderId, kind, text, edited, recalled, reactions, failure } = message;
  return {
    key,
    seq: convSeq ?? 0,
    id: msgId ?? '',
    sender: senderId,
    kind,
    text,
    edited,
    recalled: recalled !== null,
    reactions: reactions
      .map(({ emoji, count }) => `${emoji}×${count}`)
      .sort()
      .join(' '),
    failure,
  };
}
