import { describe, expect, it } from 'vitest';
import type { LogicPort, UplinkPacket } from './contract.ts';
import { linkToGate, linkToLogic } from './in-process.ts';

const identity = { userId: 1n, deviceId: 'phone', sessionId: 2n, epoch: 1 };

function packet(sequenceId: number): UplinkPacket {
  return {
    connection: { gateId: 'gate-1', connectionId: 1 },
    identity,
    remoteAddress: '127.0.0.1',
    cmd: 16,
    msgType: 1,
    logId: 0,
    sequenceId,
    data: new Uint8Array(0),
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('linkToLogic', () => {
  it('has no effect before the call returns, and delivers in order afterwards', async () => {
    const seen: string[] = [];
    const link = linkToLogic(
      {
        uplink: (each) => seen.push(`uplink ${each.sequenceId}`),
        connectionClosed: (connection, who) => seen.push(`closed ${connection.connectionId} ${who?.userId}`),
        interestStale: (gateId, conversationId, userIds) => seen.push(`stale ${gateId} ${conversationId} ${userIds}`),
        interested: (gateId, { on, off, whole }) => seen.push(`interested ${gateId} ${on} ${off} ${whole}`),
      },
      () => undefined,
    );
    link.uplink(packet(1));
    link.uplink(packet(2));
    link.connectionClosed({ gateId: 'gate-1', connectionId: 1 }, identity);
    link.interestStale('gate-1', 7n, [1n, 2n]);
    link.interested('gate-1', { on: [7n], off: [8n, 9n], whole: true });
    link.connectionClosed({ gateId: 'gate-1', connectionId: 2 }, undefined);
    expect(seen).toEqual([]);
    await turn();
    expect(seen).toEqual([
      'uplink 1',
      'uplink 2',
      'closed 1 1',
      'stale gate-1 7 1,2',
      'interested gate-1 7 8,9 true',
      'closed 2 undefined',
    ]);
  });

  it('delivers what is behind a packet on which the receiver failed', async () => {
    const seen: number[] = [];
    const errors: unknown[] = [];
    const logic: LogicPort = {
      uplink(each) {
        if (each.sequenceId === 2) throw new Error('choked');
        seen.push(each.sequenceId);
      },
      connectionClosed: () => undefined,
      interestStale: () => undefined,
      interested: () => undefined,
    };
    const link = linkToLogic(logic, (error) => errors.push(error));
    for (const sequenceId of [1, 2, 3]) link.uplink(packet(sequenceId));
    await turn();
    expect(seen).toEqual([1, 3]);
    expect(errors).toEqual([new Error('choked')]);
  });

  it('takes what the receiver sends while it is being delivered to', async () => {
    const seen: number[] = [];
    const link = linkToLogic(
      {
        uplink(each) {
          seen.push(each.sequenceId);
          if (each.sequenceId < 5) link.uplink(packet(each.sequenceId + 1));
        },
        connectionClosed: () => undefined,
        interestStale: () => undefined,
        interested: () => undefined,
      },
      () => undefined,
    );
    link.uplink(packet(1));
    await turn();
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });
});

describe('linkToGate', () => {
  it('keeps all its calls in order', async () => {
    const seen: string[] = [];
    const link = linkToGate(
      {
        gateId: 'gate-1',
        bind: (connectionId, who) => seen.push(`bind ${connectionId} ${who.userId}`),
        downlink: (down) => seen.push(`downlink ${down.connectionIds} ${down.frame.sequenceId}`),
        follow: (connectionId, groups) =>
          seen.push(`follow ${connectionId} ${groups.map((group) => `${group.conversationId}@${group.asOfSeq}`)}`),
        view: (connectionId, conversationId) => seen.push(`view ${connectionId} ${conversationId}`),
        confirm: (conversationId, userIds, removalsSeq) =>
          seen.push(`confirm ${conversationId} ${userIds} ${removalsSeq}`),
        group: (group) => seen.push(`group ${group.conversationId} ${group.convSeq}`),
        signal: (signal) => seen.push(`signal ${signal.conversationId} ${signal.cmd}`),
        close: (connectionId, close) => seen.push(`close ${connectionId} ${close.code}`),
      },
      () => undefined,
    );
    expect(link.gateId).toBe('gate-1');
    const data = new Uint8Array(0);
    link.bind(3, identity);
    link.follow(3, [{ conversationId: 7n, asOfSeq: 5 }]);
    link.downlink({ connectionIds: [3], frame: { cmd: 1, msgType: 2, logId: 0, sequenceId: 4, data } });
    link.view(3, 7n);
    link.group({
      conversationId: 7n,
      convSeq: 6,
      removalsSeq: 0,
      removed: [],
      except: undefined,
      head: data,
      body: data,
      logId: 0,
    });
    link.confirm(7n, [1n, 2n], 6);
    link.signal({ conversationId: 7n, asOfSeq: 1, viewersOnly: true, exceptUser: 1n, cmd: 23, piece: data, logId: 0 });
    link.view(3, undefined);
    link.close(3, { code: 4300, reason: 'over', retryAfterMs: 0 });
    expect(seen).toEqual([]);
    await turn();
    expect(seen).toEqual([
      'bind 3 1',
      'follow 3 7@5',
      'downlink 3 4',
      'view 3 7',
      'group 7 6',
      'confirm 7 1,2 6',
      'signal 7 23',
      'view 3 undefined',
      'close 3 4300',
    ]);
  });
});
