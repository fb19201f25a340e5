import { CloseCode, commandName } from '@fastim/protocol';
import { Counter, Gauge, type Registry } from 'prom-client';
import { runningTotals } from '../observe/running-totals.ts';
import type { Transport } from './client-socket.ts';

const COMMANDS = 256;

/** Why a frame from a client went no further. */
export type RejectReason =
  | 'unauthenticated'
  | 'already_bound'
  | 'unknown_command'
  | 'duplicate_sequence'
  | 'response_ignored'
  | 'notify_ignored'
  | 'ticket'
  | 'logic_failed';

/** What a scrape asks the gate for. */
export interface ConnectionCensus {
  /** Calls back once per transport and state that has connections. */
  count(report: (transport: Transport, state: string, connections: number) => void): void;
  /** Bytes for clients that the operating system has not taken, over all connections and at the worst one. */
  unsent(): { sum: number; max: number };
  /** Admitted connections that have not logged in, WebSocket upgrades among them. */
  unauthenticated(): number;
}

const closeNames = new Map<number, string>(Object.entries(CloseCode).map(([name, code]) => [code, name]));

/**
 * The gate's figures. The hot path adds to plain numbers; prom-client is touched only when somebody scrapes. Label sets
 * are closed: a peer cannot grow them.
 */
export class GateMetrics {
  bytesUp = 0;
  bytesDown = 0;
  /** Writes to sockets: frames down / writes tells how well they are joined. */
  writes = 0;
  /** Times a socket was not read because of its requests in flight or its rate. */
  pauses = 0;
  slowConsumers = 0;
  readonly #framesUp = new Float64Array(COMMANDS);
  readonly #framesDown = new Float64Array(COMMANDS);
  readonly #rejected = new Map<RejectReason, number>();
  readonly #refused = new Map<string, number>();
  readonly #closes = new Map<string, number>();
  readonly #accepted = new Map<Transport, number>();

  constructor(registry: Registry, census: ConnectionCensus) {
    const metrics = this;
    const registers = [registry];
    const frames = (direction: string, counts: Float64Array, counter: Counter<'direction' | 'command'>) => {
      for (let cmd = 0; cmd < COMMANDS; cmd += 1) {
        if (counts[cmd]) counter.inc({ direction, command: commandName(cmd) }, counts[cmd]);
      }
    };
    new Gauge({
      name: 'fastim_gate_connections',
      help: 'Connections now, by transport and session state.',
      labelNames: ['transport', 'state'],
      registers,
      collect() {
        this.reset();
        census.count((transport, state, connections) => this.set({ transport, state }, connections));
      },
    });
    new Gauge({
      name: 'fastim_gate_unsent_bytes',
      help: 'Bytes for clients that the operating system has not taken: of all connections, and of the worst one.',
      labelNames: ['of'],
      registers,
      collect() {
        const { sum, max } = census.unsent();
        this.set({ of: 'all' }, sum);
        this.set({ of: 'worst' }, max);
      },
    });
    new Gauge({
      name: 'fastim_gate_unauthenticated',
      help: 'Connections that have not logged in, WebSocket upgrades included.',
      registers,
      collect() {
        this.set(census.unauthenticated());
      },
    });
    new Counter({
      name: 'fastim_gate_connections_accepted_total',
      help: 'Connections let in.',
      labelNames: ['transport'],
      registers,
      collect() {
        this.reset();
        for (const [transport, count] of metrics.#accepted) this.inc({ transport }, count);
      },
    });
    new Counter({
      name: 'fastim_gate_connections_refused_total',
      help: 'Connections turned away at accept or at the WebSocket upgrade.',
      labelNames: ['reason'],
      registers,
      collect() {
        this.reset();
        for (const [reason, count] of metrics.#refused) this.inc({ reason }, count);
      },
    });
    new Counter({
      name: 'fastim_gate_closes_total',
      help: 'Connections closed, by close code; "peer" when the client left.',
      labelNames: ['code'],
      registers,
      collect() {
        this.reset();
        for (const [code, count] of metrics.#closes) this.inc({ code }, count);
      },
    });
    new Counter({
      name: 'fastim_gate_frames_total',
      help: 'Frames forwarded to logic (up) and queued for clients (down).',
      labelNames: ['direction', 'command'],
      registers,
      collect() {
        this.reset();
        frames('up', metrics.#framesUp, this);
        frames('down', metrics.#framesDown, this);
      },
    });
    new Counter({
      name: 'fastim_gate_frames_rejected_total',
      help: 'Frames from clients that went no further than the gate.',
      labelNames: ['reason'],
      registers,
      collect() {
        this.reset();
        for (const [reason, count] of metrics.#rejected) this.inc({ reason }, count);
      },
    });
    new Counter({
      name: 'fastim_gate_bytes_total',
      help: 'Bytes read from and given to sockets, without transport framing.',
      labelNames: ['direction'],
      registers,
      collect() {
        this.reset();
        this.inc({ direction: 'up' }, metrics.bytesUp);
        this.inc({ direction: 'down' }, metrics.bytesDown);
      },
    });
    const total = runningTotals(registry);
    total('fastim_gate_writes_total', 'Writes to sockets.', () => metrics.writes);
    total('fastim_gate_pauses_total', 'Times a socket was not read for a while.', () => metrics.pauses);
    total(
      'fastim_gate_slow_consumers_total',
      'Connections cut because they did not read.',
      () => metrics.slowConsumers,
    );
  }

  frameUp(cmd: number): void {
    this.#framesUp[cmd]! += 1;
  }

  frameDown(cmd: number): void {
    this.#framesDown[cmd]! += 1;
  }

  rejected(reason: RejectReason): void {
    add(this.#rejected, reason);
  }

  accepted(transport: Transport): void {
    add(this.#accepted, transport);
  }

  refused(reason: 'rateLimited' | 'gateFull' | 'origin' | 'upgrade'): void {
    add(this.#refused, reason);
  }

  closed(code: number | 'peer'): void {
    add(this.#closes, code === 'peer' ? code : (closeNames.get(code) ?? String(code)));
  }
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
