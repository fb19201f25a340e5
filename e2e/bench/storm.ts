import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command, historyRequest, historyResponse, MAX_HISTORY_PAGE } from '@fastim/protocol';
import { askForGate } from '../cluster/wire-person.ts';
import { prepareClusterPeople } from './cluster-people.ts';
import { ClusterUnderTest, type MemberKind } from './cluster-under-test.ts';
import { quantile } from './measurement.ts';
import type { StormOptions } from './options.ts';
import { post } from './people.ts';
import type { PreparedPerson } from './prepare-people.ts';
import { forEach } from './progress.ts';
import type { StormClientOptions } from './storm-client.ts';
import type { StormOrder, StormReport } from './storm-process.ts';
import { WireClient } from './wire-client.ts';

const PROCESSES = 2;
const ALL_IN_MS = 180_000;
const ALL_BACK_MS = 120_000;
const LOOK_MS = 250;
/** Reports of the gates reach the LSBs meanwhile. */
const CALM_MS = 5_000;
/** Pairs that chat all the time, so that it is seen whether anything gets lost. */
const TALKING_PAIRS = 20;
const ENTER_TRIES = 15;
const entry = fileURLToPath(new URL('storm-process.ts', import.meta.url));

export interface StormFigures {
  readonly work: 'storm';
  readonly clients: number;
  readonly onDeadGate: number;
  /** From the kill to the last one back. */
  readonly secondsUntilAllBack: number;
  /** From a client's loss of its connection to its next log-in. */
  readonly backP50Ms: number;
  readonly backP99Ms: number;
  /** Difference of the two gates that are left, in per cent of their mean. */
  readonly spreadPercent: number;
  /** The same of those who came back only. */
  readonly returnedSpreadPercent: number;
  /** Of one core; the sum over all processes of the cluster, and by kind. */
  readonly peakCpuPercent: number;
  readonly peakCpuPercentByKind: Readonly<Record<string, number>>;
  /** Requests for a gate that a client needed, on average. */
  readonly triesPerClient: number;
  readonly acked: number;
  /** Messages acknowledged and not stored once, and clients that never came back. */
  readonly lost: number;
}

/** Kills a gate under its clients and waits until all of them are back elsewhere. */
export async function runStorm(options: StormOptions, say: (line: string) => void): Promise<StormFigures> {
  const server = await ClusterUnderTest.start();
  const crowd: Crowd[] = [];
  // A break must not leave the cluster behind; it ends by itself when this process ends.
  try {
    const people = await prepareClusterPeople(server.databaseUrl, options.clients);
    say(`${people.length} users are prepared`);
    const talks = await openTalks(server.url, people);
    const serverUrls = server.cluster.serverUrls;
    const each = Math.ceil(people.length / PROCESSES);
    for (let index = 0; index < PROCESSES; index += 1) {
      const own = people.slice(index * each, (index + 1) * each).map(({ userId, accessToken }) => ({
        userId: userId.toString(),
        accessToken,
        serverUrls,
        conversationId: talks.get(userId) ?? '',
      }));
      crowd.push(new Crowd(own));
    }
    await until(
      async () => (await together(crowd)).ports.every((port) => port > 0),
      ALL_IN_MS,
      async () => {
        const { ports } = await together(crowd);
        return `only ${ports.filter((port) => port > 0).length} clients came in`;
      },
    );
    say('all are in');
    await sleep(CALM_MS);

    const victim = server.cluster.members().find(({ kind }) => kind === 'gate')!;
    const deadPort = Number(new URL(`tcp://${victim.addresses.tcp}`).port);
    const before = await together(crowd);
    const peak = new PeakCpu(server);
    const killedAt = Date.now();
    await server.cluster.signal(victim.name, 'SIGKILL');
    say(`${victim.name} is dead`);
    await until(
      async () => {
        peak.look();
        const { ports } = await together(crowd);
        return ports.every((port) => port > 0 && port !== deadPort);
      },
      ALL_BACK_MS,
      async () => 'not all came back',
      true,
    );
    const after = await together(crowd);
    for (const one of crowd) one.order({ order: 'quiet' });
    await until(
      async () => (await together(crowd)).unacked === 0,
      30_000,
      async () => 'sends without an answer',
      true,
    );

    const returned = before.ports.flatMap((port, index) => (port === deadPort ? [index] : []));
    const stray = returned.filter((index) => after.ports[index] === 0).length;
    const backMs = Float64Array.from(
      returned.filter((index) => after.ports[index]! > 0).map((index) => after.backAt[index]! - after.lostAt[index]!),
    ).sort();
    const lastBack = Math.max(killedAt, ...returned.map((index) => after.backAt[index]!));
    const final = await together(crowd);
    const acked = final.acked.flat();
    // A session has one connection: who reads now would be thrown out by its client, and the other way round.
    for (const one of crowd) one.stop();
    const missing = await missingOf(server.url, people, talks, final);
    return {
      work: 'storm',
      clients: people.length,
      onDeadGate: returned.length,
      secondsUntilAllBack: (lastBack - killedAt) / 1000,
      backP50Ms: Math.round(quantile(backMs, 0.5)),
      backP99Ms: Math.round(quantile(backMs, 0.99)),
      spreadPercent: spread(after.ports),
      returnedSpreadPercent: spread(returned.map((index) => after.ports[index]!)),
      ...peak.figures(),
      triesPerClient: Number(
        (
          returned.reduce((sum, index) => sum + after.tries[index]! - before.tries[index]!, 0) /
          Math.max(1, returned.length)
        ).toFixed(2),
      ),
      acked: acked.length,
      lost: stray + missing,
    };
  } catch (error) {
    say(server.output);
    throw error;
  } finally {
    for (const one of crowd) one.stop();
    await server.stop();
  }
}

/** Some of the clients, in a process of their own. */
class Crowd {
  readonly #child: ChildProcess;
  #waiting: { resolve: (report: StormReport) => void; reject: (error: Error) => void } | undefined;
  #ended = false;

  constructor(people: ReadonlyArray<Omit<StormClientOptions, 'agent'>>) {
    this.#child = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (report: StormReport) => this.#waiting?.resolve(report));
    this.#child.once('exit', () => {
      this.#ended = true;
      this.#waiting?.reject(new Error('a process of clients ended'));
    });
    this.order({ order: 'start', people });
  }

  order(order: StormOrder): void {
    this.#child.send(order);
  }

  report(): Promise<StormReport> {
    return new Promise((resolve, reject) => {
      if (this.#ended) reject(new Error('a process of clients ended'));
      this.#waiting = { resolve, reject };
      this.order({ order: 'report' });
    });
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}

async function together(crowd: readonly Crowd[]): Promise<StormReport> {
  const reports = await Promise.all(crowd.map((one) => one.report()));
  return {
    ports: reports.flatMap(({ ports }) => ports),
    lostAt: reports.flatMap(({ lostAt }) => lostAt),
    backAt: reports.flatMap(({ backAt }) => backAt),
    tries: reports.flatMap(({ tries }) => tries),
    unacked: reports.reduce((sum, { unacked }) => sum + unacked, 0),
    acked: reports.flatMap(({ acked }) => acked),
  };
}

async function until(
  done: () => Promise<boolean>,
  patienceMs: number,
  why: () => Promise<string>,
  goOn = false,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await done())) {
    if (performance.now() > deadline) {
      if (goOn) return;
      throw new Error(await why());
    }
    await sleep(LOOK_MS);
  }
}

/** How far apart the gates that are left are, in per cent of their mean. */
export function spread(ports: readonly number[]): number {
  const counts = [...Map.groupBy(ports, (port) => port)].filter(([port]) => port > 0).map(([, those]) => those.length);
  if (counts.length < 2) return 100;
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return Number((((Math.max(...counts) - Math.min(...counts)) / mean) * 100).toFixed(1));
}

class PeakCpu {
  readonly #server: ClusterUnderTest;
  #last: { at: number; byKind: Record<MemberKind, number> };
  #all = 0;
  readonly #byKind = new Map<string, number>();

  constructor(server: ClusterUnderTest) {
    this.#server = server;
    this.#last = { at: performance.now(), byKind: server.cpuMicrosByKind() };
  }

  look(): void {
    const at = performance.now();
    if (at - this.#last.at < LOOK_MS) return;
    const byKind = this.#server.cpuMicrosByKind();
    const share = (micros: number) => Math.round(micros / (at - this.#last.at) / 10);
    let all = 0;
    for (const [kind, micros] of Object.entries(byKind)) {
      // What the dead gate had used is gone from the sum.
      const used = Math.max(0, micros - this.#last.byKind[kind as MemberKind]);
      all += used;
      this.#byKind.set(kind, Math.max(this.#byKind.get(kind) ?? 0, share(used)));
    }
    this.#all = Math.max(this.#all, share(all));
    this.#last = { at, byKind };
  }

  figures() {
    return { peakCpuPercent: this.#all, peakCpuPercentByKind: Object.fromEntries(this.#byKind) };
  }
}

/** Conversations of some of the people, who sit far apart in the list so that they are driven by different processes. */
async function openTalks(url: string, people: readonly PreparedPerson[]): Promise<Map<bigint, string>> {
  const talks = new Map<bigint, string>();
  const half = Math.floor(people.length / 2);
  const pairs = Array.from({ length: Math.min(TALKING_PAIRS, half) }, (_, index) => index);
  await forEach(pairs, 4, async (index) => {
    const [first, second] = [people[index]!, people[half + index]!];
    const { conversationId } = await post<{ conversationId: string }>(url, '/v1/conversations/direct', {
      token: first.accessToken,
      body: { userId: second.userId.toString() },
    });
    talks.set(first.userId, conversationId);
    talks.set(second.userId, conversationId);
  });
  return talks;
}

/** Acknowledged messages that are not in the store exactly once. */
async function missingOf(
  url: string,
  people: readonly PreparedPerson[],
  talks: ReadonlyMap<bigint, string>,
  report: StormReport,
): Promise<number> {
  const stored = new Map<string, number>();
  const seen = new Set<string>();
  for (const { userId, accessToken } of people) {
    const conversationId = talks.get(userId);
    if (conversationId === undefined || seen.has(conversationId)) continue;
    seen.add(conversationId);
    const broken = Promise.withResolvers<never>();
    broken.promise.catch(() => undefined);
    const client = await enter(url, { userId, accessToken }, broken.reject);
    for (let fromSeq = 1, more = true; more; ) {
      const request = {
        conversationId: BigInt(conversationId),
        fromSeq,
        toSeq: 2 ** 31,
        limit: MAX_HISTORY_PAGE,
        newestFirst: false,
      };
      const asked = client.ask(Command.history, historyRequest, request, historyResponse);
      const { messages, headSeq } = await Promise.race([asked, broken.promise]);
      for (const { clientMsgId } of messages) {
        const id = Buffer.from(clientMsgId).toString('hex');
        stored.set(id, (stored.get(id) ?? 0) + 1);
      }
      fromSeq = (messages.at(-1)?.convSeq ?? headSeq) + 1;
      more = messages.length > 0 && fromSeq <= headSeq;
    }
    client.close();
  }
  return report.acked.flat().filter((id) => stored.get(id) !== 1).length;
}

/** The dead gate may still be offered for a while. */
async function enter(
  url: string,
  { userId, accessToken }: PreparedPerson,
  failed: (error: Error) => void,
): Promise<WireClient> {
  for (let left = ENTER_TRIES; ; left -= 1) {
    try {
      const gate = await askForGate(url, accessToken);
      return await WireClient.connect({ userId: userId.toString(), accessToken, ...gate }, { failed });
    } catch (error) {
      if (left <= 1) throw error;
      await sleep(1_000);
    }
  }
}
