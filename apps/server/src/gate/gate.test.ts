import { type AddressInfo, createServer, type Server } from 'node:net';
import { CloseCode, Command, encodeFrames, MAX_DATA_AFTER_LOGIN, MsgType, reconnect } from '@fastim/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { CLOSE_GRACE_MS, LOGIN_ATTEMPTS, TICK_MS } from './gate-limits.ts';
import { WRONG_TOKEN } from './testing/fake-logic.ts';
import { GateFixture, until } from './testing/gate-fixture.ts';
import { request, TcpClient } from './testing/tcp-client.ts';

describe('a gate', () => {
  let fixture: GateFixture;
  const start = async (...options: ConstructorParameters<typeof GateFixture>) => {
    fixture = await new GateFixture(...options).start();
    return fixture;
  };
  afterEach(() => fixture.stop());

  describe('between client and logic', () => {
    it('carries a login and requests to logic and the answers back, unread', async () => {
      await start();
      const client = await fixture.connectBound('42:phone');
      client.send(request(Command.send, 1, 'one'), request(Command.sync, 2, 'two'));
      await client.until('both are answered', () => client.response(2) !== undefined);
      expect(fixture.logic.packets).toMatchObject([
        { cmd: Command.login, identity: undefined, connection: { gateId: 'gate-1', connectionId: 1 } },
        { cmd: Command.send, sequenceId: 1, logId: 1001, identity: { userId: 42n, deviceId: 'phone' } },
        { cmd: Command.sync, sequenceId: 2, remoteAddress: '127.0.0.1' },
      ]);
      expect(client.frames.slice(1).map(({ sequenceId, data }) => [sequenceId, Buffer.from(data).toString()])).toEqual([
        [1, 'one'],
        [2, 'two'],
      ]);
    });

    it('takes a stream cut at every byte', async () => {
      await start();
      const client = await fixture.connect();
      const bytes = encodeFrames([
        request(Command.login, 0, '7:phone'),
        request(Command.send, 1, 'first'),
        request(Command.sync, 2, 'second'),
      ]);
      for (const byte of bytes) {
        client.write(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }
      await client.until('all is answered', () => client.response(2) !== undefined);
      expect(fixture.logic.packets.map(({ data }) => Buffer.from(data).toString())).toEqual([
        '7:phone',
        'first',
        'second',
      ]);
    });

    it('keeps what follows a login back until logic has decided', async () => {
      await start();
      fixture.logic.silentLogin = true;
      const client = await fixture.connect();
      client.send(request(Command.login, 0, '7:phone'), request(Command.send, 1, 'early'));
      await until('logic has the login', () => fixture.logic.packets.length === 1);
      expect(await fixture.count('fastim_gate_frames_rejected_total')).toBe(0);
      fixture.logic.answerLogin(fixture.logic.packets[0]!);
      await client.until('the request is answered', () => client.response(1) !== undefined);
      expect(fixture.logic.packets[1]).toMatchObject({ cmd: Command.send, identity: { userId: 7n } });
    });

    it('allows another try after a refused login, and closes after too many', async () => {
      await start();
      const client = await fixture.connect();
      client.send(request(Command.login, 0, WRONG_TOKEN));
      await client.until('it is answered', () => client.response(0) !== undefined);
      client.send(request(Command.login, 1, '7:phone'), request(Command.send, 2, 'in'));
      await client.until('the request is answered', () => client.response(2) !== undefined);

      const stubborn = await fixture.connect();
      for (let attempt = 0; attempt < LOGIN_ATTEMPTS; attempt += 1) {
        stubborn.send(request(Command.login, attempt, WRONG_TOKEN));
      }
      await stubborn.gone();
      expect(stubborn.goodbye?.closeCode).toBe(CloseCode.unauthenticated);
      expect(stubborn.response(LOGIN_ATTEMPTS - 1)).toBeDefined();
    });

    it('sends frames for one and for many connections in the order logic queued them', async () => {
      await start();
      const clients = await Promise.all([1, 2, 3].map((user) => fixture.connectBound(`${user}:phone`)));
      const ids = fixture.logic.packets.map(({ connection }) => connection.connectionId);
      const push = (to: number[], sequenceId: number) =>
        fixture.logic.deliver(to, {
          cmd: Command.messages,
          msgType: MsgType.notify,
          logId: 0,
          sequenceId,
          data: Buffer.from(`push ${sequenceId}`),
        });
      for (let round = 0; round < 100; round += 1) {
        push(ids, 3 * round);
        push([ids[0]!], 3 * round + 1);
        push([ids[1]!, 999, ids[2]!], 3 * round + 2);
      }
      await until('all came', () => clients.every((client) => client.frames.length === 201));
      const ofClient = (index: number) => clients[index]!.frames.slice(1).map(({ sequenceId }) => sequenceId);
      const rounds = Array.from({ length: 100 }, (_, round) => 3 * round);
      expect(ofClient(0)).toEqual(rounds.flatMap((first) => [first, first + 1]));
      expect(ofClient(1)).toEqual(rounds.flatMap((first) => [first, first + 2]));
      expect(ofClient(2)).toEqual(ofClient(1));
      expect(Buffer.from(clients[2]!.frames.at(-1)!.data).toString()).toBe('push 299');
    });

    it('writes what a tick produced as one piece', async () => {
      await start();
      const client = await fixture.connectBound();
      const writes = () => fixture.count('fastim_gate_writes_total');
      const before = await writes();
      client.send(...Array.from({ length: 50 }, (_, index) => request(Command.send, index + 1)));
      await client.until('all is answered', () => client.response(50) !== undefined);
      expect((await writes()) - before).toBe(1);
    });

    it('stops reading a connection at 64 requests in flight and goes on as answers go out', async () => {
      await start();
      const client = await fixture.connectBound();
      const other = await fixture.connectBound('2:phone');
      fixture.logic.holding = true;
      // More than socket and kernel hold, so that the rest can only come when the gate reads on.
      const data = Buffer.alloc(MAX_DATA_AFTER_LOGIN);
      for (let index = 1; index <= 300; index += 1) client.send(request(Command.send, index, data));
      await until('the cap is reached', () => fixture.logic.held === 64);
      other.send(request(Command.sync, 1));
      await until('others are served', () => fixture.logic.held === 65);
      expect(await fixture.count('fastim_gate_pauses_total')).toBe(1);
      expect(await fixture.count('fastim_gate_bytes_total', { direction: 'up' })).toBeLessThan(
        80 * MAX_DATA_AFTER_LOGIN,
      );
      fixture.logic.release(1);
      await until('one more is let in', () => fixture.logic.held === 65);
      fixture.logic.holding = false;
      fixture.logic.release();
      await client.until('all is answered', () => client.response(300) !== undefined);
      expect(
        fixture.logic.packets.filter(({ cmd }) => cmd === Command.send).map(({ sequenceId }) => sequenceId),
      ).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    });

    it('answers INTERNAL when logic throws, and lives on', async () => {
      await start();
      const client = await fixture.connectBound();
      const answer = fixture.logic.answer.bind(fixture.logic);
      fixture.logic.answer = () => {
        throw new Error('a bug');
      };
      client.send(request(Command.send, 1));
      expect(await client.status(1)).toMatchObject({ code: 500 });
      fixture.logic.answer = answer;
      client.send(request(Command.send, 2));
      expect(await client.status(2)).toBeUndefined();
      expect(fixture.logs.filter(({ level }) => level === 50)).toMatchObject([
        { logId: 1001, err: { message: 'a bug' } },
      ]);
    });

    it('answers INTERNAL in place of a frame that is over the limit', async () => {
      await start();
      const client = await fixture.connectBound();
      fixture.logic.holding = true;
      client.send(request(Command.history, 1));
      await until('logic has it', () => fixture.logic.held === 1);
      fixture.logic.answer(fixture.logic.requests[0]!, Buffer.alloc(MAX_DATA_AFTER_LOGIN + 1));
      expect(await client.status(1)).toMatchObject({ code: 500 });
      expect(fixture.logs.some(({ level, logId }) => level === 50 && logId === 1001)).toBe(true);
    });

    it('sends what is queued and a Goodbye when logic closes a connection, and tells logic once that it is gone', async () => {
      await start();
      const client = await fixture.connectBound('7:phone');
      const { connectionId } = fixture.logic.packets[0]!.connection;
      const frame = {
        cmd: Command.messages,
        msgType: MsgType.notify,
        logId: 0,
        sequenceId: 0,
        data: Buffer.from('last'),
      };
      fixture.logic.deliver([connectionId], frame);
      fixture.gate.close(connectionId, { code: CloseCode.loggedOut, reason: 'revoked', retryAfterMs: 70 });
      fixture.gate.close(connectionId, { code: CloseCode.banned, reason: 'too late', retryAfterMs: 0 });
      fixture.logic.deliver([connectionId], frame);
      await client.gone();
      expect(client.frames.slice(1).map(({ cmd }) => cmd)).toEqual([Command.messages, Command.goodbye]);
      expect(client.goodbye).toEqual({ closeCode: CloseCode.loggedOut, reason: 'revoked', retryAfterMs: 70 });
      await until('logic knows', () => fixture.logic.closed.length > 0);
      expect(fixture.logic.closed).toEqual([
        { connection: { gateId: 'gate-1', connectionId }, identity: expect.objectContaining({ userId: 7n }) },
      ]);
      expect(await fixture.count('fastim_gate_closes_total', { code: 'loggedOut' })).toBe(1);
    });

    it('tells logic about a connection that leaves only if logic ever heard of it', async () => {
      await start();
      const stranger = await fixture.connect();
      const failed = await fixture.connect();
      failed.send(request(Command.login, 0, WRONG_TOKEN));
      await failed.until('it is answered', () => failed.frames.length === 1);
      stranger.destroy();
      failed.destroy();
      await until('both are gone', () => fixture.gate.load().connections === 0);
      expect(fixture.logic.closed).toMatchObject([{ connection: { connectionId: 2 }, identity: undefined }]);
    });

    it('takes a Goodbye of the client as its leave', async () => {
      await start();
      const client = await fixture.connectBound();
      client.send({ ...request(Command.goodbye, 1), msgType: MsgType.notify });
      await client.gone();
      expect(client.goodbye).toBeUndefined();
      expect(await fixture.count('fastim_gate_closes_total', { code: 'peer' })).toBe(1);
    });

    it('cuts a client that does not hang up after the Goodbye', async () => {
      await start();
      const client = await TcpClient.connect(fixture.tcpPort);
      client.socket.allowHalfOpen = true;
      await client.login();
      fixture.gate.close(1, { code: CloseCode.replaced, reason: 'newer', retryAfterMs: 0 });
      await client.until('the Goodbye came', () => client.goodbye !== undefined);
      client.write(Buffer.alloc(100_000));
      expect(fixture.gate.load().connections).toBe(1);
      fixture.clock.advance(CLOSE_GRACE_MS + TICK_MS);
      await until('it is gone', () => fixture.gate.load().connections === 0);
      client.destroy();
    });

    it('ignores calls about connections that are gone or never were', async () => {
      await start();
      const identity = { userId: 1n, deviceId: 'd', sessionId: 1n, epoch: 1 };
      fixture.gate.bind(5, identity);
      fixture.gate.close(5, { code: CloseCode.banned, reason: '', retryAfterMs: 0 });
      fixture.gate.downlink({ connectionIds: [5, 6], frame: request(Command.send, 1) });
      const client = await fixture.connect();
      // Not asked for: no LOGIN is under way.
      fixture.gate.bind(1, identity);
      client.send(request(Command.send, 1));
      expect(await client.status(1)).toMatchObject({ code: 200 });
    });
  });

  describe('limits', () => {
    it('closes a connection that is silent for 75 s, and not one that says anything at all', async () => {
      await start();
      const silent = await fixture.connectBound('1:a');
      const alive = await fixture.connectBound('2:b');
      for (let round = 1; round <= 5; round += 1) {
        fixture.clock.advance(15_000);
        if (round === 5) break;
        alive.send({ ...request(Command.send, round), msgType: MsgType.response });
        await until('it is heard', async () => (await fixture.count('fastim_gate_frames_rejected_total')) === round);
      }
      await silent.gone();
      expect(silent.goodbye?.closeCode).toBe(CloseCode.heartbeatTimeout);
      expect(alive.end).toBeUndefined();
      fixture.clock.advance(60_000);
      await alive.gone();
      expect(alive.goodbye?.closeCode).toBe(CloseCode.heartbeatTimeout);
    });

    it('closes a connection that sends nothing for 5 s, and one that does not log in within 15 s', async () => {
      await start();
      const silent = await fixture.connect();
      const slow = await fixture.connect();
      slow.send(request(Command.login, 0, WRONG_TOKEN));
      await slow.until('it is answered', () => slow.frames.length === 1);
      await until('both are in', () => fixture.gate.load().connections === 2);
      fixture.clock.advance(5_250);
      await silent.gone();
      expect(silent.goodbye?.closeCode).toBe(CloseCode.loginTimeout);
      fixture.clock.advance(9_500);
      expect(slow.end).toBeUndefined();
      fixture.clock.advance(500);
      await slow.gone();
      expect(slow.goodbye?.closeCode).toBe(CloseCode.loginTimeout);
    });

    it('does not blame its peers when the clock jumps or the process was stopped', async () => {
      await start();
      const client = await fixture.connectBound();
      // One timer fires an hour late: a pause of the process, or the system clock put forward.
      const now = fixture.clock.now.bind(fixture.clock);
      let jump = 0;
      fixture.clock.now = () => now() + jump;
      jump = 3_600_000;
      fixture.clock.advance(1_000);
      jump = -3_600_000;
      fixture.clock.advance(1_000);
      client.send(request(Command.send, 1));
      expect(await client.status(1)).toBeUndefined();
    });

    it('refuses connections over the number allowed for one address, and lets in again when one leaves', async () => {
      await start({ connectionsPerAddress: 3 });
      const [first] = await Promise.all([1, 2, 3].map((user) => fixture.connectBound(`${user}:d`)));
      const refused = await fixture.connect();
      await refused.gone();
      expect(refused.goodbye).toMatchObject({ closeCode: CloseCode.rateLimited, reason: /address/ });
      first!.destroy();
      await until('it is gone', () => fixture.gate.load().connections === 2);
      await fixture.connectBound('4:d');
      expect(await fixture.count('fastim_gate_connections_refused_total', { reason: 'rateLimited' })).toBe(1);
    });

    it('refuses connections that come too fast from one address', async () => {
      await start({ acceptBurstPerAddress: 5, acceptPerSecondPerAddress: 2 });
      for (let index = 0; index < 5; index += 1) (await fixture.connectBound(`${index}:d`)).destroy();
      const refused = await fixture.connect();
      await refused.gone();
      expect(refused.goodbye).toMatchObject({ closeCode: CloseCode.rateLimited, reason: /second/ });
      fixture.clock.advance(1_000);
      await fixture.connectBound('6:d');
      await fixture.connectBound('7:d');
      const again = await fixture.connect();
      await again.gone();
      expect(again.goodbye?.closeCode).toBe(CloseCode.rateLimited);
    });

    it('refuses connections when too many have not logged in; logging in makes room', async () => {
      await start({ unauthenticatedConnections: 2 });
      const waiting = await fixture.connect();
      await fixture.connect();
      await until('both are in', () => fixture.gate.load().connections === 2);
      const refused = await fixture.connect();
      await refused.gone();
      expect(refused.goodbye?.closeCode).toBe(CloseCode.gateFull);
      await waiting.login();
      await fixture.connectBound('2:d');
    });

    it('closes the newest connection of a user who has too many', async () => {
      await start({ connectionsPerUser: 2 });
      const first = await fixture.connectBound('7:a');
      await fixture.connectBound('7:b');
      await fixture.connectBound('8:a');
      const third = await fixture.connect();
      third.send(request(Command.login, 0, '7:c'));
      await third.gone();
      expect(third.goodbye).toMatchObject({ closeCode: CloseCode.rateLimited, reason: /user/ });
      await until('logic knows', () => fixture.logic.closed.length === 1);
      first.destroy();
      await until('the first is gone', () => fixture.gate.load().connections === 2);
      await fixture.connectBound('7:d');
    });
  });

  describe('drain', () => {
    it('tells each client to reconnect after a delay of its own, serves them meanwhile, and ends when they have gone', async () => {
      await start({ drainMs: 5_000 });
      const clients = await Promise.all([1, 2, 3, 4].map((user) => fixture.connectBound(`${user}:d`)));
      const waiting = await fixture.connect();
      await until('all are in', () => fixture.gate.load().connections === 5);
      let drained = false;
      const drain = fixture.gate.drain().then(() => {
        drained = true;
      });
      await Promise.all(clients.map((client) => client.until('it is told', () => client.frames.length === 2)));
      const delays = clients.map((client) => reconnect.decode(client.frames[1]!.data).delayMs);
      expect(new Set(delays).size).toBe(4);
      for (const delay of delays) expect(delay).toBeLessThanOrEqual(4_000);
      await waiting.gone();
      expect(waiting.goodbye?.closeCode).toBe(CloseCode.goingAway);
      await expect(TcpClient.connect(fixture.tcpPort)).rejects.toThrow('ECONNREFUSED');

      clients[0]!.send(request(Command.send, 1));
      expect(await clients[0]!.status(1)).toBeUndefined();
      expect(drained).toBe(false);
      for (const client of clients) client.destroy();
      await drain;
      expect(fixture.gate.load().connections).toBe(0);
      expect(clients.every((client) => client.goodbye === undefined)).toBe(true);
    });

    it('says goodbye at the deadline to those who stayed', async () => {
      await start({ drainMs: 5_000 });
      const client = await fixture.connectBound();
      const drain = fixture.gate.drain();
      expect(fixture.gate.drain()).toBe(drain);
      await client.until('it is told', () => client.frames.length === 2);
      fixture.clock.advance(5_000);
      await drain;
      await client.gone();
      expect(client.goodbye?.closeCode).toBe(CloseCode.goingAway);
      await until('logic knows', () => fixture.logic.closed.length === 1);
    });

    it('is cut short by stop', async () => {
      await start({ drainMs: 60_000 });
      const client = await fixture.connectBound();
      const drain = fixture.gate.drain();
      await client.until('it is told', () => client.frames.length === 2);
      await fixture.gate.stop();
      await drain;
      expect(client.goodbye?.closeCode).toBe(CloseCode.goingAway);
    });
  });

  describe('start and stop', () => {
    let occupied: Server | undefined;
    afterEach(() => occupied?.close());
    const occupy = async () => {
      occupied = createServer();
      await new Promise<void>((resolve) => occupied!.listen(0, '127.0.0.1', resolve));
      return (occupied.address() as AddressInfo).port;
    };

    it('may be called twice, in any order, and again', async () => {
      await start();
      expect(await fixture.gate.start()).toEqual({ tcpPort: fixture.tcpPort, wsPort: fixture.wsPort });
      const client = await fixture.connectBound();
      await Promise.all([fixture.gate.stop(), fixture.gate.stop()]);
      await client.gone();
      expect(client.goodbye?.closeCode).toBe(CloseCode.goingAway);
      expect(fixture.clock.pendingTimers).toBe(0);
      await fixture.gate.stop();
      await fixture.gate.drain();
      await fixture.start();
      await fixture.connectBound();
      expect(fixture.logic.packets.at(-1)?.connection.connectionId).toBe(2);
    });

    it('does nothing when stopped or drained before it was started', async () => {
      fixture = new GateFixture();
      await fixture.gate.stop();
      await fixture.gate.drain();
      expect(fixture.gate.load()).toEqual({ connections: 0, capacity: 50_000, accepting: false });
    });

    it('names the port that is in use, and leaves the other one free', async () => {
      const port = await occupy();
      fixture = new GateFixture({}, { wsPort: port });
      await expect(fixture.gate.start()).rejects.toThrow(
        `Cannot listen for WebSocket clients on 127.0.0.1 port ${port}: the port is in use by another process (EADDRINUSE)`,
      );
      expect(fixture.clock.pendingTimers).toBe(0);
      fixture = new GateFixture({}, { tcpPort: port });
      await expect(fixture.gate.start()).rejects.toThrow(`Cannot listen for TCP clients on 127.0.0.1 port ${port}`);
      await new Promise((resolve) => occupied!.close(resolve));
      expect(await fixture.gate.start()).toMatchObject({ tcpPort: port });
    });

    it('stops in time though a client does not hang up', async () => {
      await start();
      const client = await TcpClient.connect(fixture.tcpPort);
      client.socket.allowHalfOpen = true;
      await client.login();
      const stop = fixture.gate.stop();
      await client.until('the Goodbye came', () => client.goodbye !== undefined);
      fixture.clock.advance(CLOSE_GRACE_MS + TICK_MS);
      await stop;
      client.destroy();
    });
  });

  it('counts connections by transport and state, frames by command, and bytes', async () => {
    await start();
    await fixture.connectBound();
    await fixture.connect();
    await until('both are in', () => fixture.gate.load().connections === 2);
    expect(await fixture.metric('fastim_gate_connections')).toMatchObject([
      { labels: { transport: 'tcp', state: 'bound' }, value: 1 },
      { labels: { transport: 'tcp', state: 'accepted' }, value: 1 },
    ]);
    expect(await fixture.count('fastim_gate_frames_total', { direction: 'up', command: 'login' })).toBe(1);
    expect(await fixture.count('fastim_gate_frames_total', { direction: 'down', command: 'login' })).toBe(1);
    expect(await fixture.count('fastim_gate_bytes_total', { direction: 'down' })).toBe(22);
    expect(await fixture.registry.metrics()).toContain('fastim_gate_connections_accepted_total{transport="tcp"} 2');
  });
});
