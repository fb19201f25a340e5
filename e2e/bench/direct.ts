import { MessageKind, plainText, textBody } from '@fastim/protocol';
import { type Lane, Ledger } from './ledger.ts';
import type { Measurement, Window } from './measurement.ts';
import type { ClosedLoop, DirectOptions, OpenLoop } from './options.ts';
import type { Pair } from './people.ts';
import { Breaker, paced, watchProgress } from './progress.ts';
import { WireClient } from './wire-client.ts';

/** As the app does: cursors are collected for so long. */
const CURSOR_DELAY_MS = 50;

/** One person at work: sends, acknowledges what comes, and books both. */
class Worker {
  readonly lane: Lane;
  readonly #ledger: Ledger;
  readonly #conversationId: bigint;
  readonly #body: Uint8Array;
  #client: WireClient | undefined;
  #deliveredSeq = 0;
  #cursorSent = 0;
  #cursorTimer: NodeJS.Timeout | undefined;
  /** Called after an answer: there is room for another message. */
  onAck: (() => void) | undefined;

  constructor(lane: Lane, ledger: Ledger, conversationId: bigint, body: Uint8Array) {
    this.lane = lane;
    this.#ledger = ledger;
    this.#conversationId = conversationId;
    this.#body = body;
  }

  async connect(person: Pair['people'][0], failed: (error: Error) => void): Promise<void> {
    this.#client = await WireClient.connect(person, {
      acked: (response) => {
        if (response.status) {
          failed(new Error(`SEND was refused: ${response.status.code} ${response.status.message}`));
          return;
        }
        this.#ledger.acked(response.clientMsgId, response.convSeq, performance.now());
        this.onAck?.();
      },
      delivered: (messages) => {
        for (const { clientMsgId, convSeq } of messages) {
          this.#ledger.delivered(clientMsgId, convSeq, performance.now());
          this.#deliveredSeq = Math.max(this.#deliveredSeq, convSeq);
        }
        this.#cursorTimer ??= setTimeout(() => void this.acknowledge(), CURSOR_DELAY_MS);
      },
      failed,
    });
  }

  /** `at`: when it was due, which is what its latency counts from. */
  send(at: number): void {
    this.#client!.send({
      clientMsgId: this.lane.book(at),
      conversationId: this.#conversationId,
      kind: MessageKind.text,
      body: this.#body,
    });
  }

  /** Sends the cursor if it moved; resolves when that is on disk. */
  async acknowledge(): Promise<void> {
    clearTimeout(this.#cursorTimer);
    this.#cursorTimer = undefined;
    if (this.#deliveredSeq === this.#cursorSent) return;
    this.#cursorSent = this.#deliveredSeq;
    await this.#client?.moveCursors([
      { conversationId: this.#conversationId, deliveredSeq: this.#deliveredSeq, readSeq: 0 },
    ]);
  }

  close(): void {
    clearTimeout(this.#cursorTimer);
    this.#client?.close();
  }
}

/** Runs the work over all pairs. Rejects when a connection breaks, a request is refused, or nothing moves any more. */
export async function runDirect(pairs: readonly Pair[], options: DirectOptions, window: Window): Promise<Measurement> {
  const ledger = new Ledger(pairs.length * 2);
  const body = textBody.encode(plainText('x'.repeat(options.size)));
  const workers = pairs.flatMap((pair, index) =>
    pair.people.map((_, side) => new Worker(ledger.lanes[index * 2 + side]!, ledger, pair.conversationId, body)),
  );
  const breaker = new Breaker();
  const stopWatching = watchProgress(() => ledger.completed, breaker.report);
  try {
    const people = pairs.flatMap((pair) => pair.people);
    for (let index = 0; index < workers.length; index += 1)
      await workers[index]!.connect(people[index]!, breaker.report);
    const perLane = Math.ceil((options.load.kind === 'closed' ? options.load.window : 10) / 2);
    if (options.warmup > 0) await breaker.race(closedLoop(workers, ledger, perLane, options.warmup));
    await Promise.all(workers.map((worker) => worker.acknowledge()));

    const first = workers.map(({ lane }) => lane.sentAt.length);
    window.begin();
    const began = performance.now();
    const load =
      options.load.kind === 'closed'
        ? closedLoop(workers, ledger, perLane, options.load.messages)
        : openLoop(workers, ledger, options.load);
    await breaker.race(load);
    const seconds = (performance.now() - began) / 1000;
    // The last cursors belong to the work: they are in the server's CPU time, not in the throughput's time.
    await breaker.race(Promise.all(workers.map((worker) => worker.acknowledge())));
    window.end();

    const messages = messageCount(options.load);
    const conversations = pairs.map((_, index) => [ledger.lanes[index * 2]!, ledger.lanes[index * 2 + 1]!]);
    return {
      ...ledger.faults(conversations),
      messages,
      seconds,
      deliveries: messages,
      more: {},
      ackMs: latencies(ledger, first, 'ackedAt'),
      deliveryMs: latencies(ledger, first, 'deliveredAt'),
    };
  } finally {
    stopWatching();
    for (const worker of workers) worker.close();
  }
}

function messageCount(load: ClosedLoop | OpenLoop): number {
  return load.kind === 'closed' ? load.messages : load.rate * load.seconds;
}

/** Each worker keeps `perLane` messages unanswered until all are sent; resolves when all are acked and delivered. */
function closedLoop(workers: readonly Worker[], ledger: Ledger, perLane: number, messages: number): Promise<void> {
  const target = ledger.completed + messages;
  let left = messages;
  const fill = (worker: Worker) => {
    while (left > 0 && worker.lane.inFlight < perLane) {
      left -= 1;
      worker.send(performance.now());
    }
  };
  for (const worker of workers) {
    worker.onAck = () => fill(worker);
    fill(worker);
  }
  return completion(ledger, target);
}

async function openLoop(workers: readonly Worker[], ledger: Ledger, load: OpenLoop): Promise<void> {
  for (const worker of workers) worker.onAck = undefined;
  const done = completion(ledger, ledger.completed + messageCount(load));
  await paced(load, (index, at) => workers[index % workers.length]!.send(at));
  await done;
}

function completion(ledger: Ledger, target: number): Promise<void> {
  return new Promise((resolve) => {
    ledger.onProgress = () => {
      if (ledger.completed >= target) resolve();
    };
  });
}

function latencies(ledger: Ledger, first: readonly number[], which: 'ackedAt' | 'deliveredAt'): Float64Array {
  const all = ledger.lanes.flatMap((lane, index) =>
    lane[which].slice(first[index]).map((at, offset) => at - lane.sentAt[first[index]! + offset]!),
  );
  return Float64Array.from(all).sort();
}
