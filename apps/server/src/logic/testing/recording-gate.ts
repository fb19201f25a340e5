import {
  type Codec,
  Command,
  cursorPush,
  type MemberCursor,
  type Message,
  MsgType,
  messagePush,
  type OutgoingFrame,
} from '@fastim/protocol';
import type { DownlinkPacket, GatePort, Identity } from '../../cluster/contract.ts';

export interface Closed {
  code: number;
  reason: string;
  retryAfterMs: number;
}

/** A gate that keeps what it was told, in order, per connection. */
export class RecordingGate implements GatePort {
  readonly gateId: string;
  readonly packets: DownlinkPacket[] = [];
  readonly #told = new Map<number, (OutgoingFrame | { bound: Identity } | { closed: Closed })[]>();

  constructor(gateId = 'gate-1') {
    this.gateId = gateId;
  }

  bind(connectionId: number, identity: Identity): void {
    this.told(connectionId).push({ bound: identity });
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

  cursors(connectionId: number): MemberCursor[] {
    return this.frames(connectionId, Command.cursors).flatMap((frame) => cursorPush.decode(plain(frame.data)).cursors);
  }
}

/** A copy that is no Buffer, so that what is decoded from it compares equal to plain arrays of bytes. */
function plain(data: Uint8Array): Uint8Array {
  return Uint8Array.from(data);
}
