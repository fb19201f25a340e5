import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { prepareClusterPeople } from './cluster-people.ts';
import { ClusterUnderTest } from './cluster-under-test.ts';
import type { IdleOrder, IdleReport } from './idle-process.ts';
import type { IdleOptions } from './options.ts';
import { type Memory, ProcessInspector } from './process-inspector.ts';

const PROCESSES = 2;
/** Connected and gone again before anything is measured: code is compiled, pools are filled. */
const WARM_UP = 500;
const ALL_IN_MS = 180_000;
/** What a log-in leaves behind for a moment is gone then. */
const CALM_MS = 8_000;
const entry = fileURLToPath(new URL('idle-process.ts', import.meta.url));

export interface IdleFigures {
  readonly work: 'idle';
  readonly transport: 'tcp' | 'ws';
  readonly connections: number;
  /** Memory of the gate's process, after garbage collection. */
  readonly kbPerConnection: number;
  readonly heapKbPerConnection: number;
  readonly rssMbBefore: number;
  readonly rssMbAfter: number;
  readonly secondsUntilAllIn: number;
}

/** What a logged-in connection that does nothing costs at its gate, which is a process of its own. */
export async function runIdle(options: IdleOptions, say: (line: string) => void): Promise<IdleFigures> {
  const server = await ClusterUnderTest.start({ lsbs: 1, gates: 1, apis: 1, logics: 1 }, ({ kind }) =>
    // The bench comes without tickets, and asks the gate itself what it has in memory.
    kind === 'gate' ? { FASTIM_GATE_TICKETS: 'preferred', NODE_OPTIONS: '--inspect=127.0.0.1:0' } : {},
  );
  try {
    const gate = server.cluster.member('gate-1');
    const inspector = await ProcessInspector.open(gate.logFile);
    const people = await prepareClusterPeople(server.databaseUrl, options.connections + WARM_UP);
    const tokens = people.map(({ accessToken }) => accessToken);
    say(`${tokens.length} users are prepared`);
    const { hostname, port } = new URL(`tcp://${gate.addresses.tcp}`);
    const to = {
      tcp: { host: hostname, port: Number(port) },
      websocket: options.transport === 'ws' ? gate.addresses.websocket : undefined,
    };

    const first = new Crowd([{ ...to, tokens: tokens.splice(0, WARM_UP) }]);
    await first.in;
    await first.leave();
    await sleep(CALM_MS);
    const before = await inspector.memory();
    const began = performance.now();
    const share = Math.ceil(tokens.length / PROCESSES);
    const crowd = new Crowd(
      Array.from({ length: PROCESSES }, (_, index) => ({
        ...to,
        tokens: tokens.slice(index * share, (index + 1) * share),
      })),
    );
    try {
      await crowd.in;
      const secondsUntilAllIn = (performance.now() - began) / 1_000;
      say('all are in');
      await sleep(CALM_MS);
      const after = await inspector.memory();
      inspector.close();
      return figures(options, before, after, secondsUntilAllIn);
    } finally {
      await crowd.leave();
    }
  } catch (error) {
    console.error(server.output);
    throw error;
  } finally {
    await server.stop();
  }
}

function figures(
  { transport, connections }: IdleOptions,
  before: Memory,
  after: Memory,
  secondsUntilAllIn: number,
): IdleFigures {
  const perConnection = (bytes: number) => Number((bytes / 1024 / connections).toFixed(2));
  const heap = (memory: Memory) => memory.heapUsed + memory.external;
  return {
    work: 'idle',
    transport,
    connections,
    kbPerConnection: perConnection(after.rss - before.rss),
    heapKbPerConnection: perConnection(heap(after) - heap(before)),
    rssMbBefore: Math.round(before.rss / 1024 / 1024),
    rssMbAfter: Math.round(after.rss / 1024 / 1024),
    secondsUntilAllIn: Number(secondsUntilAllIn.toFixed(1)),
  };
}

/** Processes that hold connections; they end when this one does. */
class Crowd {
  readonly #children: ChildProcess[] = [];
  readonly in: Promise<void>;

  constructor(orders: readonly IdleOrder[]) {
    const all = orders.map(
      (order) =>
        new Promise<void>((resolve, reject) => {
          const child = fork(entry, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
          this.#children.push(child);
          child.on('message', (report: IdleReport) => {
            if ('error' in report) reject(new Error(report.error));
            else resolve();
          });
          child.once('exit', (code) => reject(new Error(`a process of clients ended: ${code}`)));
          child.send(order);
        }),
    );
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error('not all came in')), ALL_IN_MS).unref();
    });
    late.catch(() => undefined);
    this.in = Promise.race([Promise.all(all).then(() => undefined), late]);
    this.in.catch(() => undefined);
  }

  async leave(): Promise<void> {
    await Promise.all(
      this.#children.map(
        (child) =>
          new Promise((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) resolve(undefined);
            child.once('exit', resolve);
            if (child.connected) child.disconnect();
            else child.kill();
          }),
      ),
    );
  }
}
