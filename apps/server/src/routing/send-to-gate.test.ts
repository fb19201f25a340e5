import { Command, MAX_DATA_AFTER_LOGIN, type Message, MsgType, messagePush } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { RecordingGate } from '../logic/testing/recording-gate.ts';
import type { Route } from './route-table.ts';
import { SendToGate } from './send-to-gate.ts';

function route(connectionId: number, gateId = 'gate-1'): Route {
  return {
    connection: { gateId, connectionId },
    identity: { userId: 1n, deviceId: `d${connectionId}`, sessionId: 1n, epoch: 1 },
  };
}

function piece(convSeq: number, bodyLength = 10): Uint8Array {
  const message: Message = {
    msgId: 1n,
    conversationId: 2n,
    convSeq,
    senderId: 3n,
    clientMsgId: new Uint8Array(16),
    kind: 1,
    body: new Uint8Array(bodyLength).fill(convSeq % 256),
    serverTimeMs: 5,
    countNo: convSeq,
  };
  return messagePush.encode({ messages: [message] });
}

function setUp(...gateIds: string[]) {
  const toGate = new SendToGate();
  const gates = gateIds.map((gateId) => new RecordingGate(gateId));
  for (const gate of gates) toGate.attach(gate);
  return { toGate, gates };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('SendToGate', () => {
  it('sends a response at once, with the header of its request', () => {
    const { toGate, gates } = setUp('gate-1');
    const request = { connection: { gateId: 'gate-1', connectionId: 7 }, cmd: 16, logId: 99, sequenceId: 3 };
    toGate.respond(request, new Uint8Array([1]));
    expect(gates[0]!.packets).toEqual([
      {
        connectionIds: [7],
        frame: { cmd: 16, msgType: MsgType.response, logId: 99, sequenceId: 3, data: new Uint8Array([1]) },
      },
    ]);
  });

  it('merges the pushes of one turn to a connection into one frame, in order', async () => {
    const { toGate, gates } = setUp('gate-1');
    const same = route(2);
    for (const seq of [1, 2, 3]) toGate.push(same, Command.messages, piece(seq), 40 + seq);
    expect(gates[0]!.packets).toEqual([]);
    await turn();
    const frames = gates[0]!.frames(2);
    expect(frames).toHaveLength(1);
    expect(frames[0]).toMatchObject({ cmd: Command.messages, msgType: MsgType.notify, logId: 41, sequenceId: 0 });
    expect(gates[0]!.messages(2).map((message) => message.convSeq)).toEqual([1, 2, 3]);
  });

  it('sends one packet per gate for all connections that get the same', async () => {
    const { toGate, gates } = setUp('gate-1', 'gate-2');
    const shared = [piece(1), piece(2)];
    const routes = [route(1), route(2), route(1, 'gate-2'), route(3)];
    for (const each of routes) for (const bytes of shared) toGate.push(each, Command.messages, bytes, 1);
    const other = piece(9);
    toGate.push(routes[3]!, Command.messages, other, 1);
    await turn();
    expect(gates[0]!.packets.map((packet) => packet.connectionIds)).toEqual([[1, 2], [3]]);
    expect(gates[1]!.packets.map((packet) => packet.connectionIds)).toEqual([[1]]);
    expect(gates[0]!.messages(3).map((message) => message.convSeq)).toEqual([1, 2, 9]);
    expect(gates[1]!.messages(1).map((message) => message.convSeq)).toEqual([1, 2]);
  });

  it('never makes a frame over the limit of the wire, loses nothing and keeps the order', async () => {
    const { toGate, gates } = setUp('gate-1');
    const target = route(1);
    for (let seq = 1; seq <= 20; seq += 1) toGate.push(target, Command.messages, piece(seq, 16_000), 1);
    await turn();
    const frames = gates[0]!.frames(1);
    expect(frames.length).toBe(5);
    for (const frame of frames) expect(frame.data.length).toBeLessThanOrEqual(MAX_DATA_AFTER_LOGIN);
    expect(gates[0]!.messages(1).map((message) => message.convSeq)).toEqual(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
  });

  it('never puts more into a frame than a reader takes', async () => {
    const { toGate, gates } = setUp('gate-1');
    const target = route(1);
    const small = messagePush.encode({ messages: [] });
    expect(small).toHaveLength(0);
    for (let seq = 1; seq <= 2_500; seq += 1) toGate.push(target, Command.messages, piece(seq, 0), 1);
    await turn();
    expect(gates[0]!.messages(1)).toHaveLength(2_500);
  });

  it('keeps messages and cursors apart', async () => {
    const { toGate, gates } = setUp('gate-1');
    const target = route(1);
    toGate.push(target, Command.messages, piece(1), 1);
    toGate.push(target, Command.cursors, new Uint8Array(0), 2);
    await turn();
    expect(gates[0]!.frames(1).map((frame) => frame.cmd)).toEqual([Command.messages, Command.cursors]);
  });

  it('drops what is for a gate that is gone', async () => {
    const { toGate, gates } = setUp('gate-1');
    toGate.push(route(1), Command.messages, piece(1), 1);
    toGate.detach('gate-1');
    toGate.respond({ connection: { gateId: 'gate-1', connectionId: 1 }, cmd: 1, logId: 1, sequenceId: 1 }, piece(1));
    toGate.close({ gateId: 'gate-1', connectionId: 1 }, 4000, 'gone');
    await turn();
    expect(gates[0]!.told(1)).toEqual([]);
  });
});
