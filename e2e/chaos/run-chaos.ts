import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededRandom } from '@fastim/core/testing';
import { ProxiedCluster } from '../cluster/proxied-cluster.ts';
import { Checker, type Verdict } from './checker.ts';
import { Drivers } from './drivers.ts';
import { createFaultPlan, type Targets } from './fault-plan.ts';
import { type FaultNote, FaultRunner } from './fault-runner.ts';
import { type HistoryEntry, JsonLines, readJsonLines, type View } from './history.ts';
import type { ChaosOptions } from './options.ts';
import { readStored } from './stored-events.ts';
import { makeWorld } from './world.ts';

/** After the faults everything has to be the same everywhere within this. */
const CONVERGE_MS = 180_000;
const QUIET_BEFORE_FAULTS_MS = 2_000;

/** All clients come from one address here; what protects a public server from that would stand in the way. */
const environment = {
  FASTIM_GATE_CONNECTIONS_PER_ADDRESS: '2000',
  FASTIM_GATE_ACCEPT_PER_SECOND_PER_ADDRESS: '1000',
  FASTIM_GATE_ACCEPT_BURST_PER_ADDRESS: '1000',
  FASTIM_AUTH_REGISTRATIONS_PER_HOUR_PER_ADDRESS: '100000',
};

export interface ChaosResult extends Verdict {
  readonly minutes: number;
  readonly seed: number;
  readonly faults: number;
  readonly faultsByKind: Readonly<Record<string, number>>;
  readonly reconnects: number;
  /** From the loss of a connection to the next log-in, whatever was down meanwhile. */
  readonly reconnectP50Ms: number;
  readonly reconnectP99Ms: number;
  /** From the loss of a connection until the device had everything that it had missed. */
  readonly syncedP99Ms: number;
  readonly converged: boolean;
  readonly convergedAfterMs: number;
  /** What had not settled, in words. */
  readonly unsettled: readonly string[];
}

/** One run in `directory`, which has to be empty. `say`: lines for people. */
export async function runChaos(
  options: ChaosOptions,
  directory: string,
  say: (line: string) => void,
): Promise<ChaosResult> {
  const random = seededRandom(options.seed);
  const proxyRandom = seededRandom(options.seed + 1);
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  const notes = new JsonLines<FaultNote>(join(directory, 'faults.jsonl'));
  const run = randomBytes(3).toString('hex');
  say(`seed ${options.seed}; everything is in ${directory}`);
  const cluster = await ProxiedCluster.start({
    directory: join(directory, 'cluster'),
    lsbs: 2,
    gates: 3,
    apis: 2,
    logics: 3,
    random: proxyRandom,
    environment: () => environment,
    say: (line) => say(`cluster: ${line}`),
  });
  let drivers: Drivers | undefined;
  let runner: FaultRunner | undefined;
  try {
    const world = makeWorld(options.clients);
    drivers = new Drivers({ directory, run, serverUrl: cluster.serverUrl, world });
    await drivers.prepare();
    say(`${world.devices.length} devices of ${world.users} users in ${world.conversations.length} conversations`);
    await drivers.begin(options.rate);
    const began = performance.now();
    await sleep(QUIET_BEFORE_FAULTS_MS);
    const plan = createFaultPlan({
      random,
      targets: targetsOf(cluster),
      perMinute: options.faultsPerMinute,
      only: options.only,
    });
    runner = new FaultRunner(
      cluster,
      (note) => {
        notes.write(note);
        if (note.what === 'begin') say(`${note.fault.kind} ${note.fault.target} for ${note.fault.lastsMs} ms`);
      },
      broken.reject,
    );
    if (options.faultsPerMinute > 0) runner.start(plan);
    await Promise.race([sleep(options.minutes * 60_000 - (performance.now() - began)), broken.promise]);
    await Promise.race([runner.stop(), broken.promise]);
    await drivers.end();
    say('faults and traffic are over: converging');
    const healed = performance.now();
    const unsettled = await drivers.settle(CONVERGE_MS);
    const convergedAfterMs = Math.round(performance.now() - healed);
    say(unsettled.length === 0 ? `all agree after ${convergedAfterMs} ms: reading` : `NOT settled: ${unsettled[0]}`);
    const checker = new Checker();
    const backMs: number[] = [];
    const syncedMs: number[] = [];
    for (const file of drivers.historyFiles) {
      const entries = readJsonLines<HistoryEntry>(file);
      checker.history(entries);
      for (const entry of entries) {
        if (entry.t === 'back') backMs.push(entry.ms);
        else if (entry.t === 'synced') syncedMs.push(entry.ms);
      }
    }
    const { files, changing } = await drivers.readAll('end');
    for (const file of files) await checkFile(checker, file);
    const missing = changing > 0 ? [...unsettled, `${changing} changes are still under way`] : unsettled;
    for (const file of await drivers.readFresh()) await checkFile(checker, file);
    for (const { index, members } of world.conversations) {
      const user = members[0] ?? 0;
      const place = drivers.places(user).find((one) => one.index === index)!;
      for (const stored of await readStored(cluster.serverUrl, drivers.credentials(user), [place])) {
        checker.stored(stored);
      }
    }
    const byTime = (left: number, right: number) => left - right;
    const sorted = backMs.sort(byTime);
    return {
      ...checker.verdict(),
      minutes: options.minutes,
      seed: options.seed,
      faults: runner.faults,
      faultsByKind: Object.fromEntries([...runner.byKind].sort()),
      reconnects: sorted.length,
      reconnectP50Ms: at(sorted, 0.5),
      reconnectP99Ms: at(sorted, 0.99),
      syncedP99Ms: at(syncedMs.sort(byTime), 0.99),
      converged: missing.length === 0,
      convergedAfterMs,
      unsettled: missing,
    };
  } finally {
    await runner?.stop().catch(() => undefined);
    await drivers?.stop();
    await cluster.stop();
    notes.close();
  }
}

async function checkFile(checker: Checker, file: string): Promise<void> {
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line !== '') checker.view(JSON.parse(line) as View);
  }
}

function targetsOf({ cluster, proxies }: ProxiedCluster): Targets {
  const members = (kind: string) =>
    cluster
      .members()
      .filter((member) => member.kind === kind)
      .map(({ name }) => name);
  const placed = (place: string) => proxies.filter((proxy) => proxy.place === place).map(({ name }) => name);
  return {
    gates: members('gate'),
    logics: members('logic'),
    lsbs: members('lsb'),
    apis: members('api'),
    proxies: { client: placed('client'), inner: placed('inner'), store: placed('store'), front: placed('front') },
  };
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? 0;
}
