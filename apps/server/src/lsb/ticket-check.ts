import type { Clock } from '@fastim/core';
import { GATE_TICKET_MS, type GateTickets, LONGEST_DELAY_MS } from './gate-ticket.ts';

export type TicketVerdict =
  | { readonly good: true; readonly userId: bigint }
  | { readonly good: false; readonly why: 'missing' | 'forged' | 'expired' | 'for another gate' | 'used before' };

/** No ticket lives longer. */
const LONGEST_LIFE_MS = GATE_TICKET_MS + LONGEST_DELAY_MS;

/**
 * What one gate asks about the tickets it is shown. Each is good once: what was shown is remembered for as long as it
 * could be shown again, in two sets that take turns, so nothing has to be searched. Only tickets with a good signature
 * get in there, so it grows by no more than the LSBs hand out. After a restart the gate has another id, and no ticket of
 * before is good.
 */
export function createGateTicketCheck(options: { tickets: GateTickets; gateId: string; clock: Clock }): {
  check(ticket: string): TicketVerdict;
} {
  const { tickets, gateId, clock } = options;
  let current = new Set<string>();
  let before = new Set<string>();
  let turnedAt = clock.now();
  const remembered = (nonce: string): boolean => {
    const now = clock.now();
    // Of a clock that was set back nothing is forgotten.
    if (now < turnedAt) turnedAt = now;
    if (now - turnedAt >= LONGEST_LIFE_MS) {
      before = now - turnedAt >= 2 * LONGEST_LIFE_MS ? new Set() : current;
      current = new Set();
      turnedAt = now;
    }
    return current.has(nonce) || before.has(nonce);
  };
  return {
    check(ticket) {
      if (ticket === '') return { good: false, why: 'missing' };
      const reading = tickets.read(ticket, gateId);
      if (!reading.good) return reading;
      if (remembered(reading.nonce)) return { good: false, why: 'used before' };
      current.add(reading.nonce);
      return { good: true, userId: reading.userId };
    },
  };
}
