import { Command, heartbeatResponse, MsgType } from '@fastim/protocol';
import type { UplinkPacket } from '../../../apps/server/src/cluster/contract.ts';
import type { Flaws } from '../system.ts';

/** Wrappers round the ports between gates and logic. */
export const linkBugs = {
  /** A heartbeat answers that nothing moved, whatever did. */
  noHeartbeatRepair: (): Flaws => ({
    link: {
      gate: (gate) => ({
        ...gateCalls(gate),
        downlink: (packet) => {
          const { frame } = packet;
          if (frame.cmd !== Command.heartbeat || frame.msgType !== MsgType.response) {
            gate.downlink(packet);
            return;
          }
          const answer = heartbeatResponse.decode(frame.data);
          const data = heartbeatResponse.encode({ ...answer, moved: [], more: false });
          gate.downlink({ ...packet, frame: { ...frame, data } });
        },
      }),
    },
  }),

  /** Gates do not hear who is out. */
  removedStillNotified: (): Flaws => ({
    link: {
      gate: (gate) => ({
        ...gateCalls(gate),
        group: (packet) => gate.group({ ...packet, removed: [], removalsSeq: 0 }),
      }),
    },
  }),

  /** Of two sends of one connection that come together, the younger one is handed on first. */
  sendsOvertake: (): Flaws => {
    let count = 0;
    return {
      link: {
        logic: (logic) => {
          let held: UplinkPacket | undefined;
          return {
            uplink: (packet) => {
              const before = held;
              held = undefined;
              if (!before && packet.cmd === Command.send && ++count % 5 === 0) {
                held = packet;
                queueMicrotask(() => {
                  if (held === packet) logic.uplink(packet);
                  if (held === packet) held = undefined;
                });
                return;
              }
              logic.uplink(packet);
              if (before) logic.uplink(before);
            },
            connectionClosed: (connection, identity) => logic.connectionClosed(connection, identity),
            interestStale: (gateId, conversationId, userIds) => logic.interestStale(gateId, conversationId, userIds),
            interested: (gateId, change) => logic.interested(gateId, change),
          };
        },
      },
    };
  },
};

type Gate = Parameters<NonNullable<NonNullable<Flaws['link']>['gate']>>[0];

/** A port is an object with methods on its class: they are bound one by one. */
function gateCalls(gate: Gate): Gate {
  return {
    gateId: gate.gateId,
    bind: (connectionId, identity) => gate.bind(connectionId, identity),
    downlink: (packet) => gate.downlink(packet),
    follow: (connectionId, groups) => gate.follow(connectionId, groups),
    view: (connectionId, conversationId) => gate.view(connectionId, conversationId),
    confirm: (conversationId, userIds, removalsSeq) => gate.confirm(conversationId, userIds, removalsSeq),
    group: (packet) => gate.group(packet),
    signal: (signal) => gate.signal(signal),
    close: (connectionId, close) => gate.close(connectionId, close),
  };
}
