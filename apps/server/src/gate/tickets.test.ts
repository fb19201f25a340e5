import { CloseCode, Command, errorCatalogue, loginRequest } from '@fastim/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import type { GateConfig } from '../config.ts';
import { GATE_TICKET_MS, GateTickets } from '../lsb/gate-ticket.ts';
import { createGateTicketCheck } from '../lsb/ticket-check.ts';
import { systemRandom } from '../roles/system-ports.ts';
import { WRONG_TOKEN } from './testing/fake-logic.ts';
import { GateFixture, until } from './testing/gate-fixture.ts';
import { request, type TcpClient } from './testing/tcp-client.ts';

const secret = 'a secret of the cluster';

describe('a gate that is shown tickets', () => {
  let fixture: GateFixture;
  let tickets: GateTickets;
  const intruders: Array<[from: string, reason: string]> = [];

  const start = async (config: Partial<GateConfig> = {}) => {
    intruders.length = 0;
    fixture = new GateFixture(config, {
      tickets: { check: (ticket) => check.check(ticket) },
      intruder: (from, reason) => void intruders.push([from, reason]),
    });
    const { clock } = fixture;
    tickets = new GateTickets({ clock, random: systemRandom, secret });
    const check = createGateTicketCheck({ tickets, gateId: 'gate-1', clock });
    // The token is what the tests of the gate put into `data`: "user:device".
    const { logic } = fixture;
    const answerLogin = logic.answerLogin.bind(logic);
    logic.answerLogin = (packet) =>
      answerLogin({ ...packet, data: Buffer.from(loginRequest.decode(packet.data).accessToken) });
    await fixture.start();
  };
  afterEach(() => fixture.stop());

  const login = (client: TcpClient, user: string, gateTicket: string, sequenceId = 0) =>
    client.send(
      request(
        Command.login,
        sequenceId,
        loginRequest.encode({ accessToken: user, clientVersion: 'test/1.0.0', gateTicket }),
      ),
    );
  /** undefined: logged in. */
  const outcome = async (user: string, gateTicket: string) => {
    const client = await fixture.connect();
    login(client, user, gateTicket);
    const status = await client.status(0);
    if (!status) return undefined;
    await client.gone();
    return [status.code, status.message, client.goodbye?.closeCode];
  };
  const refused = (why: string) => [errorCatalogue.TICKET_INVALID.code, why, CloseCode.ticketInvalid];
  const forged = () => new GateTickets({ clock: fixture.clock, random: systemRandom, secret: 'guessed' });

  it.each(['required', 'preferred'] as const)('where they are %s, takes a good one, once', async (mode) => {
    await start({ tickets: mode });
    const { ticket } = tickets.issue('gate-1', 7n);
    expect(await outcome('7:phone', ticket)).toBeUndefined();
    expect(await outcome('7:phone', ticket)).toEqual(refused('ticket used before'));
    expect(fixture.logic.packets).toHaveLength(1);
  });

  it.each([
    ['forged', () => forged().issue('gate-1', 7n).ticket, 'ticket forged'],
    ['nonsense', () => 'x.y', 'ticket forged'],
    ['for another gate', () => tickets.issue('gate-2', 7n).ticket, 'ticket for another gate'],
    [
      'past its time',
      () => {
        const { ticket } = tickets.issue('gate-1', 7n);
        fixture.clock.advance(GATE_TICKET_MS);
        return ticket;
      },
      'ticket expired',
    ],
  ])('refuses one that is %s, with the reason in the log and in the list of intruders', async (_what, make, why) => {
    await start();
    expect(await outcome('7:phone', make())).toEqual(refused(why));
    expect(fixture.logic.packets).toEqual([]);
    expect(intruders).toEqual([['127.0.0.1', why]]);
    expect(fixture.logs.filter(({ level }) => level === 40)).toMatchObject([
      { reason: why, remoteAddress: '127.0.0.1' },
    ]);
    expect(await fixture.count('fastim_gate_frames_rejected_total', { reason: 'ticket' })).toBe(1);
  });

  it('closes the connection of somebody who shows the ticket of another user, before he is let in', async () => {
    await start();
    const client = await fixture.connect();
    login(client, '8:phone', tickets.issue('gate-1', 7n).ticket);
    await client.gone();
    expect(client.goodbye).toMatchObject({ closeCode: CloseCode.ticketInvalid, reason: 'ticket for another user' });
    expect(client.response(0)).toBeUndefined();
    expect(fixture.gate.list({ userId: 8n, limit: 10 })).toEqual([]);
    expect(intruders).toEqual([['127.0.0.1', 'ticket for another user']]);
    await until('logic knows', () => fixture.logic.closed.length === 1);
  });

  it('takes nobody without one where they are required, and everybody where they are preferred', async () => {
    await start({ tickets: 'required' });
    expect(await outcome('7:phone', '')).toEqual(refused('ticket missing'));
    // Not knowing better is no attack.
    expect(intruders).toEqual([]);
    await fixture.stop();
    await start();
    expect(await outcome('7:phone', '')).toBeUndefined();
  });

  it('is shown a ticket once on a connection: a refused LOGIN may be said again', async () => {
    await start({ tickets: 'required' });
    const client = await fixture.connect();
    const { ticket } = tickets.issue('gate-1', 7n);
    login(client, WRONG_TOKEN.toString(), ticket);
    await client.until('it is answered', () => client.response(0) !== undefined);
    login(client, '7:phone', ticket, 1);
    expect(await client.status(1)).toBeUndefined();
    expect(fixture.gate.list({ limit: 10 })).toMatchObject([{ userId: '7' }]);
  });

  it('hands a LOGIN that cannot be read to logic, which says what is wrong with it', async () => {
    await start();
    fixture.logic.silentLogin = true;
    const client = await fixture.connect();
    client.send(request(Command.login, 0, Buffer.from([0xff])));
    await until('logic has it', () => fixture.logic.packets.length === 1);
    await fixture.stop();
    await start({ tickets: 'required' });
    const other = await fixture.connect();
    other.send(request(Command.login, 0, Buffer.from([0xff])));
    expect(await other.status(0)).toMatchObject({ code: errorCatalogue.TICKET_INVALID.code });
  });

  it('lets those with a ticket go first while strangers crowd it, and takes the others again after that', async () => {
    await start({ unauthenticatedConnections: 10, acceptBurstPerAddress: 1_000 });
    const strangers: TcpClient[] = [];
    for (let index = 0; index < 6; index += 1) strangers.push(await fixture.connect());
    await until('all are in', () => fixture.gate.load().connections === 6);
    expect(await outcome('7:phone', '')).toEqual(refused('ticket missing'));
    expect(await outcome('7:phone', tickets.issue('gate-1', 7n).ticket)).toBeUndefined();
    for (const stranger of strangers) stranger.destroy();
    await until('they are gone', () => fixture.gate.load().connections === 1);
    expect(await outcome('8:phone', '')).toBeUndefined();
  });
});
