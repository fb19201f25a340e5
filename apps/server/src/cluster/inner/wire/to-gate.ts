/** What a logic node says to a gate: GatePort as packets. */
import type { DownlinkPacket, GatePort, GroupPacket, GroupSignal, Identity } from '../../contract.ts';
import { identityLength, readIdentity, writeIdentity } from './identity.ts';
import { MalformedPacket, type PacketReader } from './packet-reader.ts';
import { PacketType } from './packet-type.ts';
import { idsLength, type PacketWriter, textLength } from './packet-writer.ts';

type Follow = Parameters<GatePort['follow']>[1];
type Close = Parameters<GatePort['close']>[1];

/** Logic's end. */
export class ToGateWriter {
  readonly #to: PacketWriter;

  constructor(to: PacketWriter) {
    this.#to = to;
  }

  leaving(): void {
    this.#to.begin(PacketType.leaving, 0);
  }

  bind(connectionId: number, identity: Identity): void {
    this.#to.begin(PacketType.bind, 6 + identityLength(identity));
    this.#to.u48(connectionId);
    writeIdentity(this.#to, identity);
  }

  downlink({ connectionIds, frame }: DownlinkPacket): void {
    const to = this.#to;
    to.begin(PacketType.downlink, 4 + 6 * connectionIds.length + 10 + frame.data.length);
    to.u32(connectionIds.length);
    for (const connectionId of connectionIds) to.u48(connectionId);
    to.u8(frame.cmd);
    to.u8(frame.msgType);
    to.u32(frame.logId);
    to.u32(frame.sequenceId);
    to.raw(frame.data);
  }

  follow(connectionId: number, groups: Follow): void {
    this.#to.begin(PacketType.follow, 6 + 4 + 14 * groups.length);
    this.#to.u48(connectionId);
    this.#to.u32(groups.length);
    for (const { conversationId, asOfSeq } of groups) {
      this.#to.id(conversationId);
      this.#to.u48(asOfSeq);
    }
  }

  view(connectionId: number, conversationId: bigint | undefined): void {
    this.#to.begin(PacketType.view, conversationId === undefined ? 7 : 15);
    this.#to.u48(connectionId);
    this.#to.u8(conversationId === undefined ? 0 : 1);
    if (conversationId !== undefined) this.#to.id(conversationId);
  }

  confirm(conversationId: bigint, userIds: readonly bigint[], removalsSeq: number): void {
    this.#to.begin(PacketType.confirm, 8 + 6 + idsLength(userIds));
    this.#to.id(conversationId);
    this.#to.u48(removalsSeq);
    this.#to.ids(userIds);
  }

  group(packet: GroupPacket): void {
    const { except, head, body } = packet;
    const fixed = 8 + 6 + 6 + 4 + 1 + (except === undefined ? 0 : 6);
    const to = this.#to;
    to.begin(PacketType.group, fixed + idsLength(packet.removed) + 4 + head.length + body.length);
    to.id(packet.conversationId);
    to.u48(packet.convSeq);
    to.u48(packet.removalsSeq);
    to.u32(packet.logId);
    to.u8(except === undefined ? 0 : 1);
    if (except !== undefined) to.u48(except);
    to.ids(packet.removed);
    to.blob(head);
    to.raw(body);
  }

  signal(signal: GroupSignal): void {
    const to = this.#to;
    to.begin(PacketType.signal, 8 + 6 + 1 + 8 + 1 + 4 + signal.piece.length);
    to.id(signal.conversationId);
    to.u48(signal.asOfSeq);
    to.u8(signal.viewersOnly ? 1 : 0);
    to.id(signal.exceptUser);
    to.u8(signal.cmd);
    to.u32(signal.logId);
    to.raw(signal.piece);
  }

  close(connectionId: number, { code, reason, retryAfterMs }: Close): void {
    this.#to.begin(PacketType.close, 6 + 4 + 8 + textLength(reason));
    this.#to.u48(connectionId);
    this.#to.u32(code);
    this.#to.f64(retryAfterMs);
    this.#to.text(reason);
  }
}

/** The gate's end. Reads a packet to its end and hands it to the gate. False: it is none of this direction. */
export function takeForGate(gate: GatePort, type: number, from: PacketReader): boolean {
  switch (type) {
    case PacketType.downlink:
      downlink(gate, from);
      return true;
    case PacketType.group:
      group(gate, from);
      return true;
    case PacketType.leaving:
      from.end();
      gate.leaving?.();
      return true;
    case PacketType.bind: {
      const connectionId = from.u48();
      const identity = readIdentity(from);
      from.end();
      if (!identity) throw new MalformedPacket('bound to nobody');
      gate.bind(connectionId, identity);
      return true;
    }
    case PacketType.follow: {
      const connectionId = from.u48();
      const groups: Array<Follow[number]> = [];
      for (let left = from.count(14); left > 0; left -= 1) {
        groups.push({ conversationId: from.id(), asOfSeq: from.u48() });
      }
      from.end();
      gate.follow(connectionId, groups);
      return true;
    }
    case PacketType.view: {
      const connectionId = from.u48();
      const conversationId = from.flag() ? from.id() : undefined;
      from.end();
      gate.view(connectionId, conversationId);
      return true;
    }
    case PacketType.confirm: {
      const conversationId = from.id();
      const removalsSeq = from.u48();
      const userIds = from.ids();
      from.end();
      gate.confirm(conversationId, userIds, removalsSeq);
      return true;
    }
    case PacketType.signal: {
      const conversationId = from.id();
      const asOfSeq = from.u48();
      const viewersOnly = from.flag();
      const exceptUser = from.id();
      const cmd = from.u8();
      const logId = from.u32();
      gate.signal({ conversationId, asOfSeq, viewersOnly, exceptUser, cmd, logId, piece: from.rest() });
      return true;
    }
    case PacketType.close: {
      const connectionId = from.u48();
      const code = from.u32();
      const retryAfterMs = from.f64();
      const reason = from.text();
      from.end();
      gate.close(connectionId, { code, reason, retryAfterMs });
      return true;
    }
    default:
      return false;
  }
}

function downlink(gate: GatePort, from: PacketReader): void {
  const connectionIds: number[] = [];
  for (let left = from.count(6); left > 0; left -= 1) connectionIds.push(from.u48());
  const cmd = from.u8();
  const msgType = from.u8();
  const logId = from.u32();
  const sequenceId = from.u32();
  gate.downlink({ connectionIds, frame: { cmd, msgType, logId, sequenceId, data: from.rest() } });
}

function group(gate: GatePort, from: PacketReader): void {
  const conversationId = from.id();
  const convSeq = from.u48();
  const removalsSeq = from.u48();
  const logId = from.u32();
  const except = from.flag() ? from.u48() : undefined;
  const removed = from.ids();
  const head = from.blob();
  gate.group({ conversationId, convSeq, removalsSeq, removed, except, head, body: from.rest(), logId });
}
