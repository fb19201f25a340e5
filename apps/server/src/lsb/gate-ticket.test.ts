import { ManualClock } from '@fastim/core/testing';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../roles/system-ports.ts';
import { GATE_TICKET_MS, GateTickets, LONGEST_DELAY_MS } from './gate-ticket.ts';
import { createGateTicketCheck } from './ticket-check.ts';

const secret = 'a secret of the cluster';

describe('gate tickets', () => {
  it('are read by every process with the same secret, and by no other', () => {
    const clock = new ManualClock();
    const random = systemRandom;
    const { ticket, expiresMs } = new GateTickets({ clock, random, secret }).issue('gate-1', 7n);
    expect(expiresMs).toBe(clock.now() + 60_000);
    const reading = new GateTickets({ clock, random, secret }).read(ticket, 'gate-1');
    expect(reading).toMatchObject({ good: true, userId: 7n, expiresMs });
    for (const other of [{ secret: 'another secret' }, {}]) {
      const forged = new GateTickets({ clock, random, ...other }).read(ticket, 'gate-1');
      expect(forged).toEqual({ good: false, why: 'forged' });
    }
  });

  it('are good for one gate and a minute, and as much longer as the client was told to wait', () => {
    const clock = new ManualClock();
    const tickets = new GateTickets({ clock, random: systemRandom, secret });
    const { ticket } = tickets.issue('gate-1', 7n);
    const later = tickets.issue('gate-1', 7n, 20_000);
    expect(tickets.read(ticket, 'gate-2')).toEqual({ good: false, why: 'for another gate' });
    clock.advance(GATE_TICKET_MS - 1);
    expect(tickets.read(ticket, 'gate-1').good).toBe(true);
    clock.advance(1);
    expect(tickets.read(ticket, 'gate-1')).toEqual({ good: false, why: 'expired' });
    expect(tickets.read(later.ticket, 'gate-1').good).toBe(true);
    clock.advance(20_000);
    expect(tickets.read(later.ticket, 'gate-1').good).toBe(false);
  });

  it('are nothing any more when any bit of them was changed', () => {
    const tickets = new GateTickets({ clock: new ManualClock(), random: systemRandom, secret });
    const { ticket } = tickets.issue('gate-1', 7n);
    const [payload = '', signature = ''] = ticket.split('.');
    const bytes = Buffer.from(payload, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      const text = `${changed.toString('base64url')}.${signature}`;
      expect(tickets.read(text, 'gate-1')).toEqual({ good: false, why: 'forged' });
    }
    for (const text of ['', '.', 'a.b', payload, `${ticket}.x`, ticket.slice(1), 'x'.repeat(5_000)]) {
      expect(tickets.read(text, 'gate-1')).toEqual({ good: false, why: 'forged' });
    }
  });
});

describe('what a gate asks about tickets', () => {
  const setUp = () => {
    const clock = new ManualClock();
    const tickets = new GateTickets({ clock, random: systemRandom, secret });
    return { clock, tickets, gate: createGateTicketCheck({ tickets, gateId: 'gate-1', clock }) };
  };

  it('takes each once, whatever time has passed while it is good', () => {
    const { clock, tickets, gate } = setUp();
    const shown: string[] = [];
    const life = GATE_TICKET_MS + LONGEST_DELAY_MS;
    for (let now = 0; now < 5 * life; now += 2_500) {
      const { ticket } = tickets.issue('gate-1', 7n, now % 2 ? 0 : LONGEST_DELAY_MS);
      expect(gate.check(ticket)).toEqual({ good: true, userId: 7n });
      shown.push(ticket);
      for (const before of shown) expect(gate.check(before).good).toBe(false);
      clock.advance(2_500);
    }
    expect(gate.check(shown.at(-1)!)).toEqual({ good: false, why: 'used before' });
    expect(gate.check(shown[0]!)).toEqual({ good: false, why: 'expired' });
  });

  it('remembers nothing of what it refused, and forgets nothing when the clock is set back', () => {
    const { clock, tickets, gate } = setUp();
    const { ticket } = tickets.issue('gate-1', 7n);
    expect(gate.check('')).toEqual({ good: false, why: 'missing' });
    expect(gate.check(`${ticket}x`)).toEqual({ good: false, why: 'forged' });
    expect(gate.check(tickets.issue('gate-2', 7n).ticket)).toEqual({ good: false, why: 'for another gate' });
    expect(gate.check(ticket).good).toBe(true);
    clock.jump(-3_600_000);
    expect(gate.check(ticket)).toEqual({ good: false, why: 'used before' });
  });
});
