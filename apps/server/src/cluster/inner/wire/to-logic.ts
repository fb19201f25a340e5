/** What a gate says to a logic node: LogicPort as packets. The gate's id is not in them: the link knows whose it is. */
import type { ConnectionRef, Identity, InterestChange, LogicPort, UplinkPacket } from '../../contract.ts';
import { identityLength, readIdentity, writeIdentity } from './identity.ts';
import { MAX_KNOWN_CONNECTIONS } from './limits.ts';
import { MalformedPacket, type PacketReader } from './packet-reader.ts';
import { PacketType } from './packet-type.ts';
import { idsLength, type PacketWriter, textLength } from './packet-writer.ts';

/** What an uplink does not repeat. */
interface Known {
  readonly connection: ConnectionRef;
  readonly identity: Identity | undefined;
  readonly remoteAddress: string;
}

/** The gate's end: one for each link. Who a connection is goes over the link once, and again when it has logged in. */
export class ToLogicWriter {
  readonly #to: PacketWriter;
  readonly #known = new Map<number, Identity | undefined>();

  constructor(to: PacketWriter) {
    this.#to = to;
  }

  /** When what follows is handed over. */
  time(nowMs: number): void {
    this.#to.begin(PacketType.time, 8);
    this.#to.f64(nowMs);
  }

  uplink(packet: UplinkPacket): void {
    const to = this.#to;
    const { connectionId } = packet.connection;
    const identity = this.#known.get(connectionId);
    if (identity !== packet.identity || (identity === undefined && !this.#known.has(connectionId))) {
      to.begin(PacketType.known, 6 + identityLength(packet.identity) + textLength(packet.remoteAddress));
      to.u48(connectionId);
      writeIdentity(to, packet.identity);
      to.text(packet.remoteAddress);
      this.#known.set(connectionId, packet.identity);
    }
    to.begin(PacketType.uplink, UPLINK_BYTES + packet.data.length);
    to.u48(connectionId);
    to.u8(packet.cmd);
    to.u8(packet.msgType);
    to.u32(packet.logId);
    to.u32(packet.sequenceId);
    to.raw(packet.data);
  }

  connectionClosed(connection: ConnectionRef, identity: Identity | undefined): void {
    this.#known.delete(connection.connectionId);
    this.#to.begin(PacketType.connectionClosed, 6 + identityLength(identity));
    this.#to.u48(connection.connectionId);
    writeIdentity(this.#to, identity);
  }

  interestStale(conversationId: bigint, userIds: readonly bigint[]): void {
    this.#to.begin(PacketType.interestStale, 8 + idsLength(userIds));
    this.#to.id(conversationId);
    this.#to.ids(userIds);
  }

  interested({ on, off, whole }: InterestChange): void {
    this.#to.begin(PacketType.interested, 1 + idsLength(on) + idsLength(off));
    this.#to.u8(whole ? 1 : 0);
    this.#to.ids(on);
    this.#to.ids(off);
  }
}

const UPLINK_BYTES = 6 + 1 + 1 + 4 + 4;

/** Logic's end: one for each link. */
export class ToLogicReader {
  readonly #logic: LogicPort;
  readonly #gateId: string;
  readonly #known = new Map<number, Known>();
  #timeMs = 0;

  constructor(gateId: string, logic: LogicPort) {
    this.#gateId = gateId;
    this.#logic = logic;
  }

  /** Reads a packet to its end and hands it to logic. False: it is none of this direction. */
  take(type: number, from: PacketReader): boolean {
    switch (type) {
      case PacketType.uplink:
        this.#uplink(from);
        return true;
      case PacketType.time:
        this.#timeMs = from.f64();
        from.end();
        return true;
      case PacketType.known:
        this.#learn(from);
        return true;
      case PacketType.connectionClosed: {
        const connectionId = from.u48();
        const identity = readIdentity(from);
        from.end();
        const connection = this.#known.get(connectionId)?.connection ?? { gateId: this.#gateId, connectionId };
        this.#known.delete(connectionId);
        this.#logic.connectionClosed(connection, identity);
        return true;
      }
      case PacketType.interestStale: {
        const conversationId = from.id();
        const userIds = from.ids();
        from.end();
        this.#logic.interestStale(this.#gateId, conversationId, userIds);
        return true;
      }
      case PacketType.interested: {
        const whole = from.flag();
        const on = from.ids();
        const off = from.ids();
        from.end();
        this.#logic.interested(this.#gateId, { on, off, whole });
        return true;
      }
      default:
        return false;
    }
  }

  #uplink(from: PacketReader): void {
    const known = this.#known.get(from.u48());
    if (!known) throw new MalformedPacket('a frame of a connection that was not introduced');
    const cmd = from.u8();
    const msgType = from.u8();
    const logId = from.u32();
    const sequenceId = from.u32();
    this.#logic.uplink({
      connection: known.connection,
      identity: known.identity,
      remoteAddress: known.remoteAddress,
      cmd,
      msgType,
      logId,
      sequenceId,
      data: from.rest(),
      handedOverMs: this.#timeMs,
    });
  }

  #learn(from: PacketReader): void {
    const connectionId = from.u48();
    const identity = readIdentity(from);
    const remoteAddress = from.text();
    from.end();
    const before = this.#known.get(connectionId);
    if (!before && this.#known.size >= MAX_KNOWN_CONNECTIONS) throw new MalformedPacket('too many connections');
    const connection = before?.connection ?? { gateId: this.#gateId, connectionId };
    this.#known.set(connectionId, { connection, identity, remoteAddress });
  }
}
