import { Counter, Gauge, type Registry } from 'prom-client';
import { runningTotals } from '../../observe/running-totals.ts';

/** The figures of group traffic at one gate. Plain numbers on the hot path. */
export class GroupMetrics {
  packets = 0;
  /** Times a connection was given something. */
  heads = 0;
  bodies = 0;
  signals = 0;
  /** Times a connection got nothing because its user's membership was in doubt or too young. */
  withheld = 0;
  /** Times logic was asked who is still a member. */
  questions = 0;
  /** Frames that a connection was too slow for; it is told the heads when it has read the rest. */
  owed = 0;
  /** Notifications that may get lost, and did, because the client reads too slowly. */
  dropped = 0;

  constructor(registry: Registry, census: { conversations(): number; follows(): number }) {
    const metrics = this;
    const registers = [registry];
    new Gauge({
      name: 'fastim_gate_groups',
      help: 'Groups that connections of this gate follow, and how many connections follow them in all.',
      labelNames: ['of'],
      registers,
      collect() {
        this.set({ of: 'conversations' }, census.conversations());
        this.set({ of: 'follows' }, census.follows());
      },
    });
    new Counter({
      name: 'fastim_gate_group_deliveries_total',
      help: 'Times a connection was given a head, a message body or a signal of a group.',
      labelNames: ['what'],
      registers,
      collect() {
        this.reset();
        this.inc({ what: 'head' }, metrics.heads);
        this.inc({ what: 'body' }, metrics.bodies);
        this.inc({ what: 'signal' }, metrics.signals);
      },
    });
    const total = runningTotals(registry);
    total('fastim_gate_group_packets_total', 'Packets of groups from logic.', () => metrics.packets);
    total(
      'fastim_gate_group_withheld_total',
      'Deliveries withheld because a membership was in doubt.',
      () => metrics.withheld,
    );
    total('fastim_gate_group_questions_total', 'Times logic was asked who is a member.', () => metrics.questions);
    total(
      'fastim_gate_group_owed_total',
      'Frames replaced by a later head because a client reads too slowly.',
      () => metrics.owed,
    );
    total('fastim_gate_dropped_total', 'Droppable notifications dropped for slow clients.', () => metrics.dropped);
  }
}
