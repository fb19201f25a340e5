import { ManualClock, seededRandom } from '@fastim/core/testing';
import type { FastimError } from '@fastim/protocol';
import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import type { Admissions, GateRecord } from '../registry/contract.ts';
import { systemRandom } from '../roles/system-ports.ts';
import { standardGatePolicy } from './choose-gate.ts';
import { clusterGateDirectory } from './gate-directory.ts';
import { GateOffers } from './gate-offers.ts';
import { GATE_TICKET_MS, GateTickets, LONGEST_DELAY_MS } from './gate-ticket.ts';
import { LocalAdmissions } from './local-admissions.ts';
import { LocalReservations } from './local-reservations.ts';
import { LsbMetrics } from './lsb-metrics.ts';
import { question } from './testing/candidates.ts';
import { gateRecord } from './testing/records.ts';
import { createGateTicketCheck } from './ticket-check.ts';

const secret = 'a secret of the cluster';

function setUp(gates: GateRecord[], limits: { perSecond: number; burst: number } = { perSecond: 100, burst: 50 }) {
  const clock = new ManualClock();
  const random = { fraction: seededRandom(5) };
  const registry = new Registry();
  const reservations = new LocalReservations({ clock, reservationMs: 10_000 });
  const local: Admissions = new LocalAdmissions({ clock, ...limits });
  const admissions = { take: () => local.take() };
  const tickets = new GateTickets({ clock, random: systemRandom, secret });
  const offers = new GateOffers({
    directory: clusterGateDirectory({ nodes: () => gates }),
    policy: standardGatePolicy(random),
    tickets,
    reservations,
    admissions,
    random,
    metrics: new LsbMetrics(registry),
  });
  const ask = (userId = 1n) => offers.offer(question({ userId }), 'chat.example');
  const refusal = () =>
    ask().then(
      () => undefined,
      (error: unknown) => error as FastimError,
    );
  return { clock, registry, reservations, admissions, tickets, ask, refusal };
}

describe('what an LSB offers', () => {
  it('is up to three gates, each with a ticket of its own that is good there and nowhere else', async () => {
    const { ask, clock, tickets, reservations } = setUp(['g1', 'g2', 'g3', 'g4'].map((id) => gateRecord(id)));
    const offer = await ask(7n);
    expect(new Set(offer.gates.map(({ gateId }) => gateId)).size).toBe(3);
    expect(offer).toMatchObject({ delayMs: 0, ticketExpiresMs: clock.now() + GATE_TICKET_MS });
    for (const { gateId, ticket } of offer.gates) {
      for (const other of ['g1', 'g2', 'g3', 'g4']) {
        const verdict = createGateTicketCheck({ tickets, gateId: other, clock }).check(ticket);
        expect(verdict).toEqual(
          other === gateId ? { good: true, userId: 7n } : { good: false, why: 'for another gate' },
        );
      }
    }
    expect(reservations.count(offer.gates[0]!.gateId)).toBe(1);
    expect(reservations.count(offer.gates[1]!.gateId)).toBe(0);
  });

  it('counts whom it sent until he arrives, or for ten seconds', async () => {
    const { ask, clock, reservations } = setUp([gateRecord('g1')]);
    for (let user = 1n; user <= 10n; user += 1n) await ask(user);
    reservations.arrived('g1');
    expect(reservations.count('g1')).toBe(9);
    clock.advance(9_000);
    await ask(11n);
    expect(reservations.count('g1')).toBe(10);
    clock.advance(2_000);
    expect(reservations.count('g1')).toBe(1);
    clock.advance(20_000);
    expect(reservations.count('g1')).toBe(0);
    reservations.arrived('g1');
    expect(reservations.count('g1')).toBe(0);
  });

  it('leaves out gates that nobody can reach', async () => {
    const { ask, refusal } = setUp([gateRecord('g1', { tcp: null, websocket: null }), gateRecord('g2', { tcp: null })]);
    expect((await ask()).gates).toMatchObject([{ gateId: 'g2', tcp: null }]);
    const none = setUp([gateRecord('g1', { accepting: false })]);
    expect(await none.refusal()).toMatchObject({ reason: 'UNAVAILABLE' });
    expect(await refusal()).toBeUndefined();
  });

  it('has people stand in a queue when too many come at once: nobody in step, the rate kept, the ticket good in time', async () => {
    const { ask, clock, tickets } = setUp([gateRecord('g1', { capacity: 10_000 })], { perSecond: 100, burst: 50 });
    const check = createGateTicketCheck({ tickets, gateId: 'g1', clock });
    const comes: Array<{ atMs: number; ticket: string }> = [];
    for (let user = 1n; user <= 1_000n; user += 1n) {
      const { delayMs, gates } = await ask(user);
      comes.push({ atMs: delayMs, ticket: gates[0]!.ticket });
    }
    expect(comes.filter(({ atMs }) => atMs === 0)).toHaveLength(50);
    const last = Math.max(...comes.map(({ atMs }) => atMs));
    expect(last).toBeGreaterThan(9_000);
    expect(last).toBeLessThan(12_000);
    for (let from = 0; from < last; from += 1_000) {
      const together = comes.filter(({ atMs }) => atMs > 0 && atMs >= from && atMs < from + 1_000);
      expect(together.length).toBeLessThan(130);
    }
    comes.sort((left, right) => left.atMs - right.atMs);
    const start = clock.now();
    for (const { atMs, ticket } of comes) {
      clock.advance(Math.max(0, start + atMs - clock.now()));
      expect(check.check(ticket).good).toBe(true);
    }
  });

  it('sends away who would stand too long, each to come back at a time of his own, and takes no turn for it', async () => {
    const { ask, clock, refusal, registry } = setUp([gateRecord('g1', { capacity: 100_000 })], {
      perSecond: 10,
      burst: 10,
    });
    const delays: number[] = [];
    let refused: FastimError | undefined;
    while (!refused) {
      try {
        delays.push((await ask()).delayMs);
      } catch (error) {
        refused = error as FastimError;
      }
    }
    expect(Math.max(...delays)).toBeLessThanOrEqual(LONGEST_DELAY_MS);
    const later = await Promise.all(Array.from({ length: 200 }, refusal));
    expect(later.every((one) => one?.reason === 'OVERLOADED')).toBe(true);
    const waits = later.map((one) => one!.retryAfterMs);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(LONGEST_DELAY_MS / 2);
    expect(new Set(waits).size).toBeGreaterThan(150);
    clock.advance(1_000);
    expect((await ask()).delayMs).toBeGreaterThan(0);
    const outcomes = await registry.getSingleMetric('fastim_lsb_offers_total')!.get();
    expect(outcomes.values).toContainEqual({ value: 201, labels: { outcome: 'overloaded' } });
  });

  it('takes no turn for somebody for whom there is no gate', async () => {
    const parts = setUp([gateRecord('g1', { accepting: false })], { perSecond: 1, burst: 1 });
    let turns = 0;
    parts.admissions.take = async () => {
      turns += 1;
      return { delayMs: 0, admitted: true };
    };
    const waits = await Promise.all(Array.from({ length: 50 }, parts.refusal));
    expect(turns).toBe(0);
    expect(new Set(waits.map((one) => one!.retryAfterMs)).size).toBeGreaterThan(40);
  });
});

describe('the turns of an LSB that is alone', () => {
  it('are not taken back when the clock is set', async () => {
    const clock = new ManualClock();
    const turns = new LocalAdmissions({ clock, perSecond: 10, burst: 1 });
    expect(await turns.take()).toEqual({ delayMs: 0, admitted: true });
    expect((await turns.take()).delayMs).toBe(100);
    clock.jump(-3_600_000);
    expect((await turns.take()).delayMs).toBe(200);
    clock.advance(300);
    expect((await turns.take()).delayMs).toBe(0);
  });
});
