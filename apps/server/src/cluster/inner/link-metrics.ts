import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Link } from './link.ts';

/** What a link is for, seen from this process. */
export type LinkKind = 'gate' | 'logic' | 'peer-out' | 'peer-in';

/** How an append went that belongs to another node. */
export type ForwardResult = 'forwarded' | 'late' | 'refused' | 'lost' | 'unlinked' | 'passed_by' | 'too_large';

export class LinkMetrics {
  readonly #links = new Set<Link>();
  readonly #ends: Counter<'link' | 'reason'>;
  readonly #refusals: Counter<'reason' | 'side'>;
  readonly #roundTrip: Histogram<'link'>;
  readonly #forwards: Counter<'result'>;
  readonly #past = new Map<string, number>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.#ends = new Counter({
      name: 'fastim_inner_link_ends_total',
      help: 'Links between processes that ended, by reason.',
      labelNames: ['link', 'reason'] as const,
      registers,
    });
    this.#refusals = new Counter({
      name: 'fastim_inner_link_refusals_total',
      help: 'Handshakes that failed: by us, or by the other side.',
      labelNames: ['reason', 'side'] as const,
      registers,
    });
    this.#roundTrip = new Histogram({
      name: 'fastim_inner_link_round_trip_seconds',
      help: 'From a ping to its pong.',
      labelNames: ['link'] as const,
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
      registers,
    });
    this.#forwards = new Counter({
      name: 'fastim_inner_forwards_total',
      help: 'Appends that belong to another logic node (batches; conversations where it was not asked); all but "forwarded" were stored from here.',
      labelNames: ['result'] as const,
      registers,
    });
    this.#gauge(registry, 'fastim_inner_links', 'Links between processes that are up.', () => 1);
    this.#gauge(
      registry,
      'fastim_inner_link_waiting_bytes',
      'Written, and not taken by the network.',
      (link) => link.waiting,
    );
    this.#total(registry, 'packets_in', 'Packets received on links that are or were up.', (link) => link.packetsIn);
    this.#total(registry, 'packets_out', 'Packets sent on links that are or were up.', (link) => link.packetsOut);
    this.#total(registry, 'bytes_in', 'Bytes received on links that are or were up.', (link) => link.bytesIn);
    this.#total(registry, 'bytes_out', 'Bytes sent on links that are or were up.', (link) => link.bytesOut);
  }

  up(link: Link): void {
    this.#links.add(link);
  }

  down(link: Link, reason: string): void {
    if (!this.#links.delete(link)) return;
    this.#ends.inc({ link: link.kind, reason });
    for (const [name, of] of this.#totals) {
      const key = `${name} ${link.kind}`;
      this.#past.set(key, (this.#past.get(key) ?? 0) + of(link));
    }
  }

  refused(reason: string, side: 'ours' | 'theirs'): void {
    this.#refusals.inc({ reason, side });
  }

  roundTrip(kind: LinkKind, ms: number): void {
    this.#roundTrip.observe({ link: kind }, ms / 1_000);
  }

  forward(result: ForwardResult): void {
    this.#forwards.inc({ result });
  }

  readonly #totals = new Map<string, (link: Link) => number>();

  #gauge(registry: Registry, name: string, help: string, of: (link: Link) => number): void {
    const links = this.#links;
    new Gauge({
      name,
      help,
      labelNames: ['link'] as const,
      registers: [registry],
      collect() {
        this.reset();
        for (const link of links) this.inc({ link: link.kind }, of(link));
      },
    });
  }

  #total(registry: Registry, what: string, help: string, of: (link: Link) => number): void {
    this.#totals.set(what, of);
    const [links, past] = [this.#links, this.#past];
    new Counter({
      name: `fastim_inner_link_${what}_total`,
      help,
      labelNames: ['link'] as const,
      registers: [registry],
      collect() {
        this.reset();
        for (const [key, value] of past) {
          const [name, kind] = key.split(' ') as [string, string];
          if (name === what) this.inc({ link: kind }, value);
        }
        for (const link of links) this.inc({ link: link.kind }, of(link));
      },
    });
  }
}
