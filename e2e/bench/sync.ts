import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  Command,
  ConversationKind,
  type ConversationState,
  type CursorMove,
  historyRequest,
  historyResponse,
  MAX_HISTORY_PAGE,
  MAX_SYNC_PAGE,
  MessageKind,
  plainText,
  syncRequest,
  syncResponse,
  textBody,
} from '@fastim/protocol';
import { makeGroup } from './make-group.ts';
import { type Measurement, quantile, type Window } from './measurement.ts';
import type { SyncOptions } from './options.ts';
import { type Person, post } from './people.ts';
import { Breaker, forEach, watchProgress } from './progress.ts';
import { WireClient } from './wire-client.ts';

const PREPARING_AT_A_TIME = 8;
/** As the app's engine does: conversations pulled at a time, and how long cursors are gathered. */
const PULLS_AT_A_TIME = 4;
const CURSOR_DELAY_MS = 50;
/** The server looks this much further back than a client asks it to; after it nothing is new any more. */
const QUIET_MS = 11_000;

/** What waits in one conversation: the ids in the order of their conv_seq, and the first conv_seq. */
interface Waiting {
  readonly conversationId: bigint;
  readonly firstSeq: number;
  readonly ids: string[];
  /** What the device has stored of it. */
  readonly stored: string[];
}

interface Filled {
  readonly waiting: Map<bigint, Waiting>;
  readonly ackMs: number[];
}

/** The two things that are measured, each for itself. */
export interface SyncWindows {
  readonly whole: Window;
  readonly reconnects: Window & { cpuMicros(): number };
}

/**
 * A device that was away: half of its conversations are direct ones, half groups, and others wrote into all of them. It
 * logs in, asks what there is and pulls everything; later it comes back a number of times to find nothing new.
 */
export async function runSync(
  url: string,
  people: readonly Person[],
  options: SyncOptions,
  windows: SyncWindows,
): Promise<Measurement> {
  const breaker = new Breaker();
  const [person, ...peers] = people as [Person, ...Person[]];
  let moved = 0;
  const stopWatching = watchProgress(() => moved, breaker.report);
  const progress = () => {
    moved += 1;
  };
  try {
    const { waiting, ackMs } = await breaker.race(fill(url, person, peers, options, progress, breaker));
    const device = new Device(person, waiting, breaker.report, progress);
    windows.whole.begin();
    const began = performance.now();
    await breaker.race(device.catchUp());
    const seconds = (performance.now() - began) / 1000;
    await breaker.race(device.acknowledge());
    windows.whole.end();
    device.close();
    stopWatching();

    await sleep(QUIET_MS);
    // Once more for what was new just before the last sync; from then on nothing is.
    await breaker.race(device.comeBack());
    const reconnectMs: number[] = [];
    let changed = 0;
    windows.reconnects.begin();
    for (let times = 0; times < options.reconnects; times += 1) {
      const started = performance.now();
      changed += await breaker.race(device.comeBack());
      reconnectMs.push(performance.now() - started);
    }
    windows.reconnects.end();
    if (changed > 0) throw new Error(`${changed} conversations came although nothing had changed`);
    return {
      ...faultsOf([...waiting.values()]),
      messages: options.messages,
      seconds,
      ackMs: Float64Array.from(ackMs).sort(),
      deliveryMs: Float64Array.from(device.storedMs).sort(),
      deliveries: device.storedMs.length,
      more: {
        conversations: waiting.size,
        reconnects: options.reconnects,
        reconnectCpuMs: Number((windows.reconnects.cpuMicros() / options.reconnects / 1000).toFixed(2)),
        reconnectP50Ms: Number(quantile(Float64Array.from(reconnectMs).sort(), 0.5).toFixed(2)),
      },
    };
  } finally {
    stopWatching();
  }
}

/** Who is needed besides the device's user: each peer has one direct conversation and one group with it. */
export function peersNeeded(options: SyncOptions): number {
  return Math.ceil(options.conversations / 2);
}

async function fill(
  url: string,
  person: Person,
  peers: readonly Person[],
  options: SyncOptions,
  progress: () => void,
  breaker: Breaker,
): Promise<Filled> {
  const waiting = new Map<bigint, Waiting>();
  const ackMs: number[] = [];
  const shares = share(options.messages, options.conversations);
  const body = textBody.encode(plainText('x'.repeat(options.size)));
  await forEach([...peers.entries()], PREPARING_AT_A_TIME, async ([index, peer]) => {
    const sentAt = new Map<string, number>();
    const places = new Map<string, { waiting: Waiting; convSeq: number }>();
    let whenAcked: () => void = () => {};
    const client = await WireClient.connect(peer, {
      acked: ({ status, clientMsgId, conversationId, convSeq }) => {
        if (status) breaker.report(new Error(`SEND was refused: ${status.code} ${status.message}`));
        const id = Buffer.from(clientMsgId).toString('hex');
        ackMs.push(performance.now() - sentAt.get(id)!);
        const of = waiting.get(conversationId)!;
        of.ids[convSeq - of.firstSeq] = id;
        places.set(id, { waiting: of, convSeq });
        progress();
        if (places.size === sentAt.size) whenAcked();
      },
      failed: breaker.report,
    });
    const mine: Waiting[] = [];
    const { conversationId } = await post<{ conversationId: string }>(url, '/v1/conversations/direct', {
      token: peer.accessToken,
      body: { userId: person.userId },
    });
    mine.push({ conversationId: BigInt(conversationId), firstSeq: 1, ids: [], stored: [] });
    if (index * 2 + 1 < options.conversations) {
      const group = await makeGroup(client, `Group ${index}`, [BigInt(person.userId)]);
      mine.push({ conversationId: group.conversationId, firstSeq: group.headSeq + 1, ids: [], stored: [] });
    }
    for (const one of mine) waiting.set(one.conversationId, one);
    const acked = new Promise<void>((resolve) => {
      whenAcked = resolve;
    });
    for (const [side, { conversationId }] of mine.entries()) {
      for (let count = 0; count < shares[index * 2 + side]!; count += 1) {
        const clientMsgId = randomBytes(16);
        sentAt.set(clientMsgId.toString('hex'), performance.now());
        client.send({ clientMsgId, conversationId, kind: MessageKind.text, body });
      }
    }
    if (sentAt.size > 0) await acked;
    client.close();
  });
  return { waiting, ackMs };
}

function share(messages: number, conversations: number): number[] {
  const each = Math.floor(messages / conversations);
  return Array.from({ length: conversations + 1 }, (_, index) => each + (index < messages % conversations ? 1 : 0));
}

class Device {
  readonly #person: Person;
  readonly #waiting: Map<bigint, Waiting>;
  readonly #failed: (error: Error) => void;
  readonly #progress: () => void;
  #client: WireClient | undefined;
  #since = 0;
  #moves: CursorMove[] = [];
  #cursorTimer: NodeJS.Timeout | undefined;
  /** From the beginning of the log-in to each message being stored. */
  readonly storedMs: number[] = [];

  constructor(person: Person, waiting: Map<bigint, Waiting>, failed: (error: Error) => void, progress: () => void) {
    this.#person = person;
    this.#waiting = waiting;
    this.#failed = failed;
    this.#progress = progress;
  }

  /** From nothing to everything that waits. */
  async catchUp(): Promise<void> {
    const began = performance.now();
    this.#client = await WireClient.connect(this.#person, { failed: this.#failed });
    const states = await this.#sync(this.#client, 0);
    await forEach(states, PULLS_AT_A_TIME, (state) => this.#pull(state, began));
  }

  /** Log-in and sync; how many conversations came. */
  async comeBack(): Promise<number> {
    const client = await WireClient.connect(this.#person, { failed: this.#failed });
    const states = await this.#sync(client, this.#since);
    client.close();
    return states.length;
  }

  /** Everything stored is acknowledged, on the server's disk. */
  async acknowledge(): Promise<void> {
    clearTimeout(this.#cursorTimer);
    this.#cursorTimer = undefined;
    const moves = this.#moves.splice(0);
    if (moves.length > 0) await this.#client!.moveCursors(moves);
  }

  close(): void {
    clearTimeout(this.#cursorTimer);
    this.#client?.close();
  }

  async #sync(client: WireClient, sinceMs: number): Promise<ConversationState[]> {
    const states: ConversationState[] = [];
    for (let more = true, first = true; more; first = false) {
      const last = states.at(-1);
      const page = await client.ask(
        Command.sync,
        syncRequest,
        {
          sinceMs,
          beforeActivityMs: last?.lastActivityMs ?? 0,
          beforeConversationId: last?.conversationId ?? 0n,
          limit: MAX_SYNC_PAGE,
        },
        syncResponse,
      );
      if (first) this.#since = page.serverTimeMs;
      states.push(...page.conversations);
      more = page.more;
    }
    return states;
  }

  async #pull(state: ConversationState, began: number): Promise<void> {
    const { conversationId, headSeq, kind } = state;
    const waiting = this.#waiting.get(conversationId);
    if (!waiting) {
      this.#failed(new Error(`a conversation that nobody made: ${conversationId}`));
      return;
    }
    for (let nextSeq = waiting.firstSeq; nextSeq <= headSeq; ) {
      const { messages } = await this.#client!.ask(
        Command.history,
        historyRequest,
        { conversationId, fromSeq: nextSeq, toSeq: headSeq, limit: MAX_HISTORY_PAGE, newestFirst: false },
        historyResponse,
      );
      if (messages.length === 0) break;
      const at = performance.now() - began;
      for (const { clientMsgId, convSeq } of messages) {
        if (convSeq !== nextSeq) this.#failed(new Error(`${convSeq} came where ${nextSeq} was due`));
        waiting.stored.push(Buffer.from(clientMsgId).toString('hex'));
        this.storedMs.push(at);
        nextSeq = convSeq + 1;
      }
      this.#progress();
    }
    if (kind !== ConversationKind.direct) return;
    this.#moves.push({ conversationId, deliveredSeq: headSeq, readSeq: 0 });
    this.#cursorTimer ??= setTimeout(() => void this.acknowledge(), CURSOR_DELAY_MS);
  }
}

function faultsOf(conversations: readonly Waiting[]): { lost: number; duplicated: number; misordered: number } {
  let lost = 0;
  let duplicated = 0;
  let misordered = 0;
  for (const { ids, stored } of conversations) {
    const different = new Set(stored);
    duplicated += stored.length - different.size;
    lost += ids.filter((id) => !different.has(id)).length;
    misordered += stored.filter((id, index) => ids[index] !== undefined && ids[index] !== id).length;
  }
  return { lost, duplicated, misordered };
}
