import { ManualClock } from '@fastim/core/testing';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../roles/system-ports.ts';
import { emptiestFirst } from './choose-gate.ts';
import { localGateDirectory } from './gate-directory.ts';
import { GateTickets } from './gate-ticket.ts';

const question = { userId: 1n, clientVersion: 'test/1.0.0' };

describe('choosing a gate', () => {
  it('answers at most three gates that take clients, emptiest first, counting those on their way', () => {
    const candidates = [
      { gateId: 'a', connections: 5, reservations: 0, accepting: true },
      { gateId: 'b', connections: 1, reservations: 9, accepting: true },
      { gateId: 'c', connections: 0, reservations: 0, accepting: false },
      { gateId: 'd', connections: 2, reservations: 1, accepting: true },
      { gateId: 'e', connections: 6, reservations: 0, accepting: true },
    ];
    expect(emptiestFirst(candidates, question)).toEqual({ gateIds: ['d', 'a', 'e'], delayMs: 0 });
    expect(emptiestFirst([], question)).toEqual({ gateIds: [], delayMs: 0 });
  });
});

describe('the address of the local gate', () => {
  const directory = (host: string, advertise = { tcp: '', ws: '' }) =>
    localGateDirectory({
      gateId: 'g',
      host,
      tcpPort: 1,
      wsPort: 2,
      advertise,
      load: () => ({ connections: 3 }),
      accepting: () => true,
    });

  it.each([
    ['127.0.0.1', 'chat.example', '127.0.0.1', 'ws://127.0.0.1:2'],
    ['0.0.0.0', 'chat.example', 'chat.example', 'ws://chat.example:2'],
    ['::', '2001:db8::1', '2001:db8::1', 'ws://[2001:db8::1]:2'],
  ])('listening on %s and asked as %s is %s', (host, asked, tcpHost, websocket) => {
    expect(directory(host).address('g', asked)).toEqual({ tcp: { host: tcpHost, port: 1 }, websocket });
  });

  it('is what the operator advertises', () => {
    const advertise = { tcp: '[2001:db8::7]:443', ws: 'wss://chat.example/ws' };
    expect(directory('127.0.0.1', advertise).address('g', 'x')).toEqual({
      tcp: { host: '2001:db8::7', port: 443 },
      websocket: 'wss://chat.example/ws',
    });
  });

  it('knows no other gate', () => {
    expect(directory('127.0.0.1').address('other', 'x')).toBeUndefined();
  });
});

describe('gate tickets', () => {
  it('are good for their user and their minute, and for nothing that was changed', () => {
    const clock = new ManualClock();
    const tickets = new GateTickets({ clock, random: systemRandom });
    const { ticket, expiresMs } = tickets.issue(7n);
    expect(expiresMs).toBe(clock.now() + 60_000);
    expect(tickets.verify(ticket, 7n)).toBe(true);
    expect(tickets.verify(ticket, 8n)).toBe(false);
    expect(new GateTickets({ clock, random: systemRandom }).verify(ticket, 7n)).toBe(false);
    for (const broken of ['', '.', 'a.b', ticket.slice(1), `${ticket}.x`, `A${ticket.slice(1)}`.replace('AA', 'AB')]) {
      expect(tickets.verify(broken, 7n)).toBe(false);
    }
    clock.advance(60_000);
    expect(tickets.verify(ticket, 7n)).toBe(false);
  });
});
