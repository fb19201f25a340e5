import { setTimeout as sleep } from 'node:timers/promises';
import { Ledger } from './ledger.ts';
import { quantile } from './measurement.ts';
import type { OverloadOptions } from './options.ts';
import { OverloadSender, Tally } from './overload-sender.ts';
import { post, withGate } from './people.ts';
import { preparePeople } from './prepare-people.ts';
import { Breaker, forEach, paced } from './progress.ts';
import { ServerUnderTest } from './server-under-test.ts';

/** Unanswered messages of each sender while the capacity is measured: as many as a client has at most. */
const CAPACITY_WINDOW = 16;
const CAPACITY_SECONDS = 8;
/** Of each level, before what counts: the protection finds its threshold. */
const SETTLE_SECONDS = 5;
/** After a level, until everything that was on the wire is acknowledged. */
const RECOVERY_LIMIT_MS = 60_000;

interface Level {
  readonly times: number;
  /** Messages a second. */
  readonly offered: number;
  readonly goodput: number;
  /** Of the best that was seen. */
  readonly goodputRatio: number;
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
  /** Answers OVERLOADED, a second. */
  readonly refused: number;
  /** From the end of the load until everything that was on the wire is stored. */
  readonly recoverySeconds: number;
}

export interface OverloadFigures {
  readonly work: 'overload';
  readonly people: number;
  readonly capacity: number;
  readonly levels: readonly Level[];
  readonly lost: number;
  readonly duplicated: number;
  readonly misordered: number;
}

/** One, three and ten times what the server can do, from clients that behave as the app does, every message checked. */
export async function runOverload(options: OverloadOptions, say: (line: string) => void): Promise<OverloadFigures> {
  let prepared: Awaited<ReturnType<typeof preparePeople>> = [];
  const server = await ServerUnderTest.start(
    options.profile,
    async (directory) => {
      prepared = await preparePeople(directory, options.pairs * 2);
    },
    [],
  );
  const breaker = new Breaker();
  const senders: OverloadSender[] = [];
  try {
    const people = await withGate(server.url, prepared);
    const ledger = new Ledger(people.length);
    const conversationIds: bigint[] = [];
    await forEach(
      Array.from({ length: options.pairs }, (_, pair) => pair),
      8,
      async (pair) => {
        const answer = await post<{ conversationId: string }>(server.url, '/v1/conversations/direct', {
          token: people[pair * 2]!.accessToken,
          body: { userId: people[pair * 2 + 1]!.userId },
        });
        conversationIds[pair] = BigInt(answer.conversationId);
      },
    );
    for (const [index, person] of people.entries()) {
      const conversationId = conversationIds[Math.floor(index / 2)]!;
      const sender = new OverloadSender(ledger.lanes[index]!, ledger, conversationId, options.size);
      senders.push(sender);
      await sender.connect(person, breaker.report);
    }
    const measured = breaker.race(measure(senders, options, say));
    const { capacity, levels } = await measured;
    await breaker.race(allDelivered(ledger, senders));
    const lanes = conversationIds.map((_, pair) => [ledger.lanes[pair * 2]!, ledger.lanes[pair * 2 + 1]!]);
    return { work: 'overload', people: people.length, capacity: Math.round(capacity), levels, ...ledger.faults(lanes) };
  } catch (error) {
    console.error(server.output);
    throw error;
  } finally {
    for (const sender of senders) sender.close();
    await server.stop();
  }
}

async function measure(
  senders: readonly OverloadSender[],
  options: OverloadOptions,
  say: (line: string) => void,
): Promise<{ capacity: number; levels: Level[] }> {
  for (const sender of senders) {
    sender.keep = CAPACITY_WINDOW;
    sender.pump();
  }
  await sleep(2_000);
  const { tally: closed, seconds: closedSeconds } = await count(senders, sleep(CAPACITY_SECONDS * 1_000));
  for (const sender of senders) sender.keep = 0;
  await quiet(senders);
  const capacity = closed.acked / closedSeconds;
  say(`capacity: ${Math.round(capacity)} messages a second`);

  const found: Array<Omit<Level, 'goodputRatio'>> = [];
  for (const times of options.times) {
    const rate = Math.round(capacity * times);
    const load = (seconds: number) =>
      paced({ kind: 'open', rate, seconds }, () => senders[Math.floor(Math.random() * senders.length)]!.offer());
    await load(SETTLE_SECONDS);
    const { tally, seconds } = await count(senders, load(options.seconds));
    for (const sender of senders) sender.dropUnsent();
    const recoverySeconds = await quiet(senders);
    const ackMs = Float64Array.from(tally.ackMs).sort();
    found.push({
      times,
      offered: Math.round(tally.offered / seconds),
      goodput: Math.round(tally.acked / seconds),
      ackP50Ms: rounded(quantile(ackMs, 0.5)),
      ackP99Ms: rounded(quantile(ackMs, 0.99)),
      refused: Math.round(tally.refused / seconds),
      recoverySeconds: rounded(recoverySeconds),
    });
    say(JSON.stringify(found.at(-1)));
  }
  const peak = Math.max(capacity, ...found.map(({ goodput }) => goodput));
  const levels = found.map((level) => ({ ...level, goodputRatio: Number((level.goodput / peak).toFixed(3)) }));
  return { capacity, levels };
}

/** What happens meanwhile. */
async function count(
  senders: readonly OverloadSender[],
  meanwhile: Promise<unknown>,
): Promise<{ tally: Tally; seconds: number }> {
  const tally = new Tally();
  for (const sender of senders) sender.tally = tally;
  const began = performance.now();
  await meanwhile;
  const seconds = (performance.now() - began) / 1_000;
  for (const sender of senders) sender.tally = new Tally();
  return { tally, seconds };
}

/** Until nothing is under way any more; returns after how many seconds. */
async function quiet(senders: readonly OverloadSender[]): Promise<number> {
  const began = performance.now();
  for (;;) {
    const seconds = (performance.now() - began) / 1_000;
    const open = senders.reduce((sum, sender) => sum + sender.open, 0);
    if (open === 0) return seconds;
    if (seconds * 1_000 > RECOVERY_LIMIT_MS) throw new Error(`${open} messages have no answer after ${seconds} s`);
    await sleep(50);
  }
}

async function allDelivered(ledger: Ledger, senders: readonly OverloadSender[]): Promise<void> {
  const deadline = performance.now() + RECOVERY_LIMIT_MS;
  const booked = () => senders.reduce((sum, { lane }) => sum + lane.sentAt.length, 0);
  while (ledger.completed < booked() && performance.now() < deadline) await sleep(50);
}

function rounded(value: number): number {
  return Number(value.toFixed(1));
}
