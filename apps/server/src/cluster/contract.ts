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
  /**
   * When the gate handed it to its link, by the gate's own clock; a link between processes says it (one time for all that
   * it writes together will do). How long packets wait on their way is measured by it. Undefined: there is no way.
   */
  readonly handedOverMs?: number;
}

/** What a gate calls. */
export interface LogicPort {
  uplink(packet: UplinkPacket): void;
  /** Said exactly once for every connection that ever sent an uplink packet. */
  connectionClosed(connection: ConnectionRef, identity: Identity | undefined): void;
  /**
   * A group packet says that somebody left whom this gate was not told of: who of these users are members still? Answered
   * by `GatePort.confirm`. Until then nothing of the conversation goes out.
   */
  interestStale(gateId: string, conversationId: bigint, userIds: readonly bigint[]): void;
  /**
   * In which groups the gate has followers, said to every logic node: packets of other groups need not be sent to it.
   * Comes before the answer to the LOGIN that made the difference. A node sends a gate everything until it has heard
   * `whole`, so it may be lost together with its link: `LogicLinks` tells all of it anew to each node that comes.
   */
  interested(gateId: string, change: InterestChange): void;
  /**
   * True: more waits on the link to this connection's node than it should; the gate hands in none of its frames for now,
   * reads it no further, and asks again a moment later. Packets handed in nevertheless are taken. Missing: never.
   */
  congested?(connection: ConnectionRef): boolean;
}

export interface InterestChange {
  readonly on: readonly bigint[];
  readonly off: readonly bigint[];
  /** What was said so far is all that the gate follows. */
  readonly whole: boolean;
}

/** The same frame for several connections of one gate: one packet. */
export interface DownlinkPacket {
  readonly connectionIds: readonly number[];
  readonly frame: OutgoingFrame;
}

/**
 * Something new in a group, for all its members at one gate: one packet for each gate. Connections that view the
 * conversation get `body` (a MessagePush), the others `head` (a HeadPush). Pieces for one connection that fall into one
 * tick are put behind one another into one frame; of heads of one conversation only the last goes out.
 */
export interface GroupPacket {
  readonly conversationId: bigint;
  readonly convSeq: number;
  /** conv_seq of the newest removal at or below convSeq; 0: none. */
  readonly removalsSeq: number;
  /** Those who are out by this very message: they get nothing of it and of what follows. */
  readonly removed: readonly bigint[];
  /** The connection that sent it knows already. */
  readonly except: number | undefined;
  readonly head: Uint8Array;
  readonly body: Uint8Array;
  readonly logId: number;
}

/** A notification for a group that may get lost: typing, read counts. */
export interface GroupSignal {
  readonly conversationId: bigint;
  /**
   * The conversation's head when the membership of who caused this was read. A gate that has not heard so far lets
   * nothing through before it has asked: what it lacks may be a removal.
   */
  readonly asOfSeq: number;
  readonly viewersOnly: boolean;
  readonly exceptUser: bigint;
  readonly cmd: number;
  readonly piece: Uint8Array;
  readonly logId: number;
}

/** What logic calls on one gate. Unknown connection ids are ignored: the connection is gone. */
export interface GatePort {
  readonly gateId: string;
  /**
   * The logic node goes away in order: new connections are to be given to others. Those it has stay its own until it
   * closes them. Missing where there is no other node.
   */
  leaving?(): void;
  /** Login succeeded. Must come before the LOGIN response. */
  bind(connectionId: number, identity: Identity): void;
  downlink(packet: DownlinkPacket): void;
  /**
   * The groups whose packets this connection gets, besides those it gets already. `asOf`: what the storage said when the
   * membership was read; a removal behind it wins.
   */
  follow(connectionId: number, groups: ReadonlyArray<{ conversationId: bigint; asOfSeq: number }>): void;
  /** The one conversation on the connection's screen; undefined: none. */
  view(connectionId: number, conversationId: bigint | undefined): void;
  /**
   * The answer to interestStale: of the users asked about, these are members as of `removalsSeq`, which is at least the
   * newest removal at the time of the read, at best the head.
   */
  confirm(conversationId: bigint, userIds: readonly bigint[], removalsSeq: number): void;
  group(packet: GroupPacket): void;
  signal(signal: GroupSignal): void;
  /** Sends what is queued and a Goodbye, then closes. */
  close(connectionId: number, close: { code: number; reason: string; retryAfterMs: number }): void;
}
