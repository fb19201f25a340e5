import {
  type Codec,
  Command,
  cursorPush,
  type Head,
  headPush,
  type MemberCursor,
  type Message,
  MsgType,
  messagePush,
  type OutgoingFrame,
} from '@fastim/protocol';
import type { DownlinkPacket, GatePort, GroupPacket, GroupSignal, Identity } from '../../cluster/contract.ts';

export interface Closed {
  code: number;
  reason: string;
  retryAfterMs: number;
}

export interface Followed {
  readonly connectionId: number;
  readonly conversationId: bigint;
  readonly asOfSeq: number;
}

export interface Confirmed {
  readonly conversationId: bigint;
  readonly userIds: readonly bigint[];
  readonly removalsSeq: number;
}

/**
 * A gate that keeps what it was told, in order, per connection. Of groups it knows as much as a gate has to: who follows,
 * who views, who was removed; it doubts nothing.
 */
export class RecordingGate implements GatePort {
  readonly gateId: string;
  readonly packets: DownlinkPacket[] = [];
  readonly groupPackets: GroupPacket[] = [];
  readonly signals: GroupSignal[] = [];
  readonly followed: Followed[] = [];
  readonly confirmed: Confirmed[] = [];
  readonly #users = new Map<number, bigint>();
  readonly #followers = new Map<bigint, Set<number>>();
  readonly #viewing = new Map<number, bigint>();
  readonly #told = new Map<number, (OutgoingFrame | { bound: Identity } | { closed: Closed })[]>();

  constructor(gateId = 'gate-1') {
    this.gateId = gateId;
  }

  bind(connectionId: number, identity: Identity): void {
    this.#users.set(connectionId, identity.userId);
    this.told(connectionId).push({ bound: identity });
  }

  follow(connectionId: number, groups: ReadonlyArray<{ conversationId: bigint; asOfSeq: number }>): void {
    for (const { conversationId, asOfSeq } of groups) {
      this.followed.push({ connectionId, conversationId, asOfSeq });
      const followers = this.#followers.get(conversationId);
      if (followers) followers.add(connectionId);
      else this.#followers.set(conversationId, new Set([connectionId]));
    }
  }

  view(connectionId: number, conversationId: bigint | undefined): void {
    if (conversationId === undefined) this.#viewing.delete(connectionId);
    else this.#viewing.set(connectionId, conversationId);
  }

  viewing(connectionId: number): bigint | undefined {
    return this.#viewing.get(connectionId);
  }

  confirm(conversationId: bigint, userIds: readonly bigint[], removalsSeq: number): void {
    this.confirmed.push({ conversationId, userIds, removalsSeq });
  }

  group(packet: GroupPacket): void {
    this.groupPackets.push(packet);
    const followers = this.#followers.get(packet.conversationId) ?? new Set();
    for (const connectionId of followers) {
      if (packet.removed.includes(this.#users.get(connectionId) ?? 0n)) {
        followers.delete(connectionId);
        if (this.#viewing.get(connectionId) === packet.conversationId) this.#viewing.delete(connectionId);
      } else if (connectionId !== packet.except) {
        const views = this.#viewing.get(connectionId) === packet.conversationId;
        const cmd = views ? Command.messages : Command.heads;
        this.#notify(connectionId, cmd, views ? packet.body : packet.head, packet.logId);
      }
    }
  }

  signal(signal: GroupSignal): void {
    this.signals.push(signal);
    for (const connectionId of this.#followers.get(signal.conversationId) ?? []) {
      if (this.#users.get(connectionId) === signal.exceptUser) continue;
      if (signal.viewersOnly && this.#viewing.get(connectionId) !== signal.conversationId) continue;
      this.#notify(connectionId, signal.cmd, signal.piece, signal.logId);
    }
  }

  downlink(packet: DownlinkPacket): void {
    this.packets.push(packet);
    for (const connectionId of packet.connectionIds) this.told(connectionId).push(packet.frame);
  }

  close(connectionId: number, closed: Closed): void {
    this.told(connectionId).push({ closed });
  }

  told(connectionId: number): (OutgoingFrame | { bound: Identity } | { closed: Closed })[] {
    let told = this.#told.get(connectionId);
    if (!told) {
      told = [];
      this.#told.set(connectionId, told);
    }
    return told;
  }

  frames(connectionId: number, cmd?: number): OutgoingFrame[] {
    return this.told(connectionId).filter(
      (item): item is OutgoingFrame => 'data' in item && (cmd === undefined || item.cmd === cmd),
    );
  }

  closed(connectionId: number): Closed | undefined {
    for (const item of this.told(connectionId)) if ('closed' in item) return item.closed;
    return undefined;
  }

  response(connectionId: number, sequenceId: number): OutgoingFrame | undefined {
    return this.frames(connectionId).find(
      (frame) => frame.msgType === MsgType.response && frame.sequenceId === sequenceId,
    );
  }

  read<T>(connectionId: number, sequenceId: number, codec: Codec<T>): T {
    const frame = this.response(connectionId, sequenceId);
    if (!frame) throw new Error(`connection ${connectionId} got no response to ${sequenceId}`);
    return codec.decode(plain(frame.data));
  }

  messages(connectionId: number): Message[] {
    return this.frames(connectionId, Command.messages).flatMap(
      (frame) => messagePush.decode(plain(frame.data)).messages,
    );
  }

  /** All that followed the group, as far as is known here. */
  followers(conversationId: bigint): number[] {
    return [...(this.#followers.get(conversationId) ?? [])];
  }

  heads(connectionId: number): Head[] {
    return this.frames(connectionId, Command.heads).flatMap((frame) => headPush.decode(plain(frame.data)).heads);
  }

  /** What was pushed by this command, each frame decoded. */
  pushed<T>(connectionId: number, cmd: number, codec: Codec<T>): T[] {
    return this.frames(connectionId, cmd)
      .filter((frame) => frame.msgType === MsgType.notify)
      .map((frame) => codec.decode(plain(frame.data)));
  }

  #notify(connectionId: number, cmd: number, data: Uint8Array, logId: number): void {
    this.told(connectionId).push({ cmd, msgType: MsgType.notify, logId, sequenceId: 0, data });
  }

  cursors(connectionId: number): MemberCursor[] {
    return this.frames(connectionId, Command.cursors).flatMap((frame) => cursorPush.decode(plain(frame.data)).cursors);
  }
}

/** A copy that is no Buffer, so that what is decoded from it compares equal to plain arrays of bytes. */
function plain(data: Uint8Array): Uint8Array {
  return Uint8Array.from(data);
}
