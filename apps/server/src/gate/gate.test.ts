import { Command } from '@fastim/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GateFixture } from './testing/gate-fixture.ts';
import { request } from './testing/tcp-client.ts';

describe('a gate', () => {
  let fixture: GateFixture;
  beforeEach(async () => {
    fixture = await new GateFixture().start();
  });
  afterEach(() => fixture.stop());

  it('carries a login and requests to logic and the answers back, unread', async () => {
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
});
