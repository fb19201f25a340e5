import { Counter, type Registry } from 'prom-client';

export type OfferOutcome = 'at_once' | 'delayed' | 'overloaded' | 'no_gate';

/** The figures of an LSB. */
export class LsbMetrics {
  readonly #offers: Counter<'outcome'>;
  readonly #relays: Counter<'outcome'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#offers = new Counter({
      name: 'fastim_lsb_offers_total',
      help: 'Clients that asked for a gate, by what they were told.',
      labelNames: ['outcome'],
      registers,
    });
    this.#relays = new Counter({
      name: 'fastim_lsb_relays_total',
      help: 'Questions for a gate passed on to another LSB: answered, or none answered in time.',
      labelNames: ['outcome'],
      registers,
    });
  }

  offered(outcome: OfferOutcome): void {
    this.#offers.inc({ outcome });
  }

  relayed(outcome: 'answered' | 'failed'): void {
    this.#relays.inc({ outcome });
  }
}
