import type { Random } from '@fastim/core';
import { FastimError } from '@fastim/protocol';
import type { Admissions, Reservations } from '../registry/contract.ts';
import type { GatePolicy, GateQuestion } from './choose-gate.ts';
import type { GateAddress, GateDirectory } from './gate-directory.ts';
import { type GateTickets, LONGEST_DELAY_MS } from './gate-ticket.ts';
import type { LsbMetrics } from './lsb-metrics.ts';

export interface OfferedGate extends GateAddress {
  readonly gateId: string;
  readonly ticket: string;
}

export interface GateOffer {
  /** Best first, at least one; all different. */
  readonly gates: readonly OfferedGate[];
  /** Of all tickets. */
  readonly ticketExpiresMs: number;
  /** The client connects no earlier. */
  readonly delayMs: number;
}

export interface GateOffersOptions {
  readonly directory: GateDirectory;
  readonly policy: GatePolicy;
  readonly tickets: GateTickets;
  readonly reservations: Reservations;
  readonly admissions: Admissions;
  readonly random: Pick<Random, 'fraction'>;
  readonly metrics?: LsbMetrics;
}

/** A client that finds no gate asks again after about this. */
const NO_GATE_MS = 2_000;

/** A wait is lengthened at random by at most this part of it, and by no more than this. */
const SPREAD_PART = 0.25;
const SPREAD_MS = 2_000;

/**
 * What an LSB does: which gates a client is to try, with a ticket for each, and when. It holds nothing that matters: a
 * reservation that is lost makes the next choices a little worse for some seconds.
 */
export class GateOffers {
  readonly #options: GateOffersOptions;

  constructor(options: GateOffersOptions) {
    this.#options = options;
  }

  /** Rejects UNAVAILABLE when no gate takes this client, OVERLOADED when too many come at once; both say when to ask again. */
  async offer(question: GateQuestion, requestHost: string): Promise<GateOffer> {
    const { admissions, reservations, metrics, tickets } = this.#options;
    if (this.#choose(question, requestHost).length === 0) {
      metrics?.offered('no_gate');
      throw new FastimError('UNAVAILABLE', 'No gate takes clients now.', { retryAfterMs: this.#about(NO_GATE_MS) });
    }
    const turn = await admissions.take();
    const delayMs = turn.delayMs > 0 ? this.#spread(turn.delayMs) : 0;
    if (!turn.admitted || delayMs > LONGEST_DELAY_MS) {
      metrics?.offered('overloaded');
      throw new FastimError('OVERLOADED', 'Too many clients come at once.', { retryAfterMs: this.#about(delayMs) });
    }
    // Others were sent somewhere while this one waited for its turn.
    const gates = this.#choose(question, requestHost);
    const [best] = gates;
    if (!best) throw new FastimError('UNAVAILABLE', undefined, { retryAfterMs: this.#about(NO_GATE_MS) });
    reservations.add(best.gateId, question.userId);
    metrics?.offered(delayMs > 0 ? 'delayed' : 'at_once');
    let ticketExpiresMs = Number.POSITIVE_INFINITY;
    const offered = gates.map((gate) => {
      const { ticket, expiresMs } = tickets.issue(gate.gateId, question.userId, delayMs);
      ticketExpiresMs = Math.min(ticketExpiresMs, expiresMs);
      return { ...gate, ticket };
    });
    return { gates: offered, ticketExpiresMs, delayMs };
  }

  #choose(question: GateQuestion, requestHost: string): Array<GateAddress & { readonly gateId: string }> {
    const { directory, policy, reservations } = this.#options;
    const candidates = directory.gates().map((gate) => ({ ...gate, reservations: reservations.count(gate.gateId) }));
    return policy(candidates, question).flatMap((gateId) => {
      const address = directory.address(gateId, requestHost);
      return address && (address.tcp || address.websocket) ? [{ gateId, ...address }] : [];
    });
  }

  /** Turns are handed out in step; those who stand close together do not come together. */
  #spread(delayMs: number): number {
    const spreadMs = this.#options.random.fraction() * Math.min(delayMs * SPREAD_PART, SPREAD_MS);
    return Math.round(Math.min(delayMs + spreadMs, Math.max(delayMs, LONGEST_DELAY_MS)));
  }

  /** From half of it to half as much again. */
  #about(ms: number): number {
    return Math.max(1, Math.round(Math.max(ms, NO_GATE_MS / 2) * (0.5 + this.#options.random.fraction())));
  }
}
