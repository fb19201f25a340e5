import { USER_LEVELS } from '@fastim/core';
import type { ErrorName } from '@fastim/protocol';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { runningTotals } from '../observe/running-totals.ts';

/** What is read at scrape time. */
export interface LogicGauges {
  waiting(): number;
  routes(): number;
  watched(): number;
  pushes(): { frames: number; messages: number };
  /** HISTORY answered from memory. */
  quickPulls(): number;
  overload(): { waitMs: number; threshold: { class: number; level: number } };
}

/**
 * The figures of the logic part. What is counted per message is a plain number that is copied at scrape time; the
 * library's own counters are for what happens per batch or less.
 */
export class LogicMetrics {
  /** Plain totals since start. */
  sent = 0;
  stored = 0;
  repeated = 0;
  unchanged = 0;
  groupPackets = 0;
  groupChanges = 0;
  interestQuestions = 0;
  typings = 0;
  presencePushes = 0;
  cursorMoves = 0;
  cursorsRaised = 0;
  ignoredFrames = 0;
  readonly refused: Counter<'reason'>;
  readonly overloadRefused: Counter<'class'>;
  readonly batchSize: Histogram;
  readonly appendSeconds: Histogram;
  readonly cursorFlushSeconds: Histogram;
  readonly renotified: Counter;
  readonly unacknowledged: Counter;
  readonly logins: Counter<'outcome'>;
  readonly internalErrors: Counter;

  constructor(registry: Registry, gauges: LogicGauges) {
    const registers = [registry];
    const total = runningTotals(registry);
    total('fastim_messages_received_total', 'SEND requests that reached logic', () => this.sent);
    total('fastim_messages_stored_total', 'Messages stored for the first time', () => this.stored);
    total('fastim_messages_repeated_total', 'SENDs of a message that was stored before', () => this.repeated);
    total('fastim_messages_unchanged_total', 'SENDs accepted that change nothing', () => this.unchanged);
    total('fastim_group_packets_total', 'Packets of groups handed to gates', () => this.groupPackets);
    total('fastim_group_changes_total', 'Changes of groups stored', () => this.groupChanges);
    total('fastim_interest_questions_total', 'Questions of gates about who is a member', () => this.interestQuestions);
    total('fastim_history_from_memory_total', 'HISTORY requests answered without the storage', gauges.quickPulls);
    total('fastim_typings_total', 'TYPING requests passed on', () => this.typings);
    total('fastim_presence_pushes_total', 'Changes of presence pushed', () => this.presencePushes);
    total('fastim_push_frames_total', 'Frames pushed to connections', () => gauges.pushes().frames);
    total(
      'fastim_push_items_total',
      'Messages, heads, cursors and the like in pushed frames',
      () => gauges.pushes().messages,
    );
    total('fastim_cursor_moves_total', 'Cursor moves received', () => this.cursorMoves);
    total('fastim_cursors_raised_total', 'Cursors that rose', () => this.cursorsRaised);
    total('fastim_uplink_ignored_total', 'Frames from clients that are no requests', () => this.ignoredFrames);
    this.refused = new Counter({
      name: 'fastim_requests_refused_total',
      help: 'Requests answered with an error, by reason',
      labelNames: ['reason'],
      registers,
    });
    this.overloadRefused = new Counter({
      name: 'fastim_overload_refused_total',
      help: 'Requests refused for overload, by class of work',
      labelNames: ['class'],
      registers,
    });
    this.batchSize = new Histogram({
      name: 'fastim_append_batch_messages',
      help: 'Messages per append batch',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
      registers,
    });
    const seconds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5];
    this.appendSeconds = new Histogram({
      name: 'fastim_append_seconds',
      help: 'Time from handing a batch to the storage until it is on disk',
      buckets: seconds,
      registers,
    });
    this.cursorFlushSeconds = new Histogram({
      name: 'fastim_cursor_flush_seconds',
      help: 'Time to store one batch of cursor moves',
      buckets: seconds,
      registers,
    });
    this.renotified = new Counter({
      name: 'fastim_renotified_total',
      help: 'Deliveries notified again for want of a cursor ack',
      registers,
    });
    this.unacknowledged = new Counter({
      name: 'fastim_closed_unacknowledged_total',
      help: 'Connections closed for want of a cursor ack',
      registers,
    });
    this.logins = new Counter({
      name: 'fastim_logins_total',
      help: 'LOGIN requests by outcome',
      labelNames: ['outcome'],
      registers,
    });
    this.internalErrors = new Counter({
      name: 'fastim_logic_internal_errors_total',
      help: 'Unexpected errors in logic: bugs',
      registers,
    });
    const gauge = (name: string, help: string, read: () => number): void => {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      });
    };
    gauge(
      'fastim_queue_wait_milliseconds',
      'Mean time that work waited before it began, in the last window',
      () => gauges.overload().waitMs,
    );
    gauge(
      'fastim_overload_threshold',
      'Class of work that is refused from here on (6: nothing is), with the part of its users that is let in',
      () => gauges.overload().threshold.class + gauges.overload().threshold.level / USER_LEVELS,
    );
    gauge('fastim_append_waiting', 'Messages waiting for the next append batch', gauges.waiting);
    gauge('fastim_routes', 'Logged-in connections', gauges.routes);
    gauge('fastim_deliveries_watched', 'Deliveries awaiting a cursor ack', gauges.watched);
  }

  refuse(reason: ErrorName): void {
    this.refused.inc({ reason });
  }
}
