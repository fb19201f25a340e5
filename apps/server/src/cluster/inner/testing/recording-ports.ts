import { inspect } from 'node:util';
import type { GatePort, LogicPort } from '../../contract.ts';

/** One call: its name and what it was called with. */
export type Call = readonly [name: string, ...args: unknown[]];

/** A LogicPort that remembers its calls, and throws where it is told to. */
export function recordingLogic(calls: Call[], failOn: (call: Call) => boolean = () => false): LogicPort {
  const record = (...call: Call): void => {
    calls.push(call);
    if (failOn(call)) throw new Error(`choked on ${inspect(call)}`);
  };
  return {
    uplink: (packet) => record('uplink', { ...packet, data: Buffer.from(packet.data) }),
    connectionClosed: (connection, identity) => record('connectionClosed', connection, identity),
    interestStale: (gateId, conversationId, userIds) => record('interestStale', gateId, conversationId, userIds),
    interested: (gateId, change) => record('interested', gateId, change),
  };
}

/** A GatePort that remembers its calls. */
export function recordingGate(
  gateId: string,
  calls: Call[],
  failOn: (call: Call) => boolean = () => false,
): GatePort & { leaving(): void } {
  const record = (...call: Call): void => {
    calls.push(call);
    if (failOn(call)) throw new Error(`choked on ${inspect(call)}`);
  };
  return {
    gateId,
    leaving: () => record('leaving'),
    bind: (connectionId, identity) => record('bind', connectionId, identity),
    downlink: ({ connectionIds, frame }) =>
      record('downlink', { connectionIds, frame: { ...frame, data: Buffer.from(frame.data) } }),
    follow: (connectionId, groups) => record('follow', connectionId, groups),
    view: (connectionId, conversationId) => record('view', connectionId, conversationId),
    confirm: (conversationId, userIds, removalsSeq) => record('confirm', conversationId, userIds, removalsSeq),
    group: (packet) => record('group', { ...packet, head: Buffer.from(packet.head), body: Buffer.from(packet.body) }),
    signal: (signal) => record('signal', { ...signal, piece: Buffer.from(signal.piece) }),
    close: (connectionId, close) => record('close', connectionId, close),
  };
}
