/**
 * What gates and logic nodes say to each other. Everything is plain data and one-way (seed 2.3, Q&A 9): a gate forwards
 * and forgets; an answer, if any, is a downlink of its own. In one process the calls are direct; between processes the
 * same packets travel over links. Nobody may rely on a call having an effect before it returns.
 *
 * Order: packets of one connection arrive in the order in which they were handed in, in each direction.
 */
import type { OutgoingFrame } from '@fastim/protocol';

/** One socket at one gate. `connectionId` is never reused in a gate's life. */
export interface ConnectionRef {
  readonly gateId: string;
  readonly connectionId: number;
}

/** Who a connection belongs to after login. */
export interface Identity {
  readonly userId: bigint;
  readonly deviceId: string;
  readonly sessionId: bigint;
  /** Counts the device's sessions; a connection of a lower epoch is stale. */
  readonly epoch: number;
}

/** One client frame on its way to logic. `data` is not parsed by the gate. */
export interface UplinkPacket {
  readonly connection: ConnectionRef;
  /** Undefined before login. */
  readonly identity: Identity | undefined;
  /** Client address, for throttling and logs. */
  readonly remoteAddress: string;
  readonly cmd: number;
  readonly msgType: number;
  readonly logId: number;
  readonly sequenceId: number;
  /** Owned by the receiver of the packet. */
  readonly data: Uint8Array;
}

/** What a gate calls. */
export interface LogicPort {
  uplink(packet: UplinkPacket): void;
  /** Said exactly once for every connection that ever sent an uplink packet. */
  connectionClosed(connection: ConnectionRef, identity: Identity | undefined): void;
}

/** The same frame for several connections of one gate: one packet. */
export interface DownlinkPacket {
  readonly connectionIds: readonly number[];
  readonly frame: OutgoingFrame;
}

/** What logic calls on one gate. Unknown connection ids are ignored: the connection is gone. */
export interface GatePort {
  readonly gateId: string;
  /** Login succeeded. Must come before the LOGIN response. */
  bind(connectionId: number, identity: Identity): void;
  downlink(packet: DownlinkPacket): void;
  /** Sends what is queued and a Goodbye, then closes. */
  close(connectionId: number, close: { code: number; reason: string; retryAfterMs: number }): void;
}
