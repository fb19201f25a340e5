import { Command, MsgType, type OutgoingFrame } from '@fastim/protocol';
import type {
  ConnectionRef,
  GatePort,
  Identity,
  InterestChange,
  LogicPort,
  UplinkPacket,
} from '../../cluster/contract.ts';

/** Data of a LOGIN that this logic refuses. */
export const WRONG_TOKEN = Buffer.from('wrong');

/**
 * Records what the gate hands in. Answers a LOGIN (data "user:device", both optional), and every other request by
 * echoing its data, unless told to hold the answers back.
 */
export class FakeLogic implements LogicPort {
  readonly packets: UplinkPacket[] = [];
  readonly stale: Array<{ conversationId: bigint; userIds: readonly bigint[] }> = [];
  readonly interests: InterestChange[] = [];
  readonly closed: Array<{ connection: ConnectionRef; identity: Identity | undefined }> = [];
  gate: GatePort | undefined;
  /** Answers to requests other than LOGIN wait for `release`. */
  holding = false;
  /** LOGIN requests are recorded and not answered. */
  silentLogin = false;
  congested: NonNullable<LogicPort['congested']> = () => false;
  readonly #held: UplinkPacket[] = [];
  #nextSession = 1n;

  uplink(packet: UplinkPacket): void {
    this.packets.push(packet);
    if (packet.cmd === Command.login) {
      if (!this.silentLogin) this.answerLogin(packet);
    } else if (this.holding) {
      this.#held.push(packet);
    } else {
      this.answer(packet);
    }
  }

  connectionClosed(connection: ConnectionRef, identity: Identity | undefined): void {
    this.closed.push({ connection, identity });
  }

  interestStale(_gateId: string, conversationId: bigint, userIds: readonly bigint[]): void {
    this.stale.push({ conversationId, userIds });
  }

  interested(_gateId: string, change: InterestChange): void {
    this.interests.push(change);
  }

  /** Requests that wait for an answer. */
  get held(): number {
    return this.#held.length;
  }

  /** Requests other than LOGIN, in the order they came. */
  get requests(): UplinkPacket[] {
    return this.packets.filter((packet) => packet.cmd !== Command.login);
  }

  release(count = this.#held.length): void {
    for (const packet of this.#held.splice(0, count)) this.answer(packet);
  }

  answer(packet: UplinkPacket, data: Uint8Array = packet.data): void {
    const { cmd, logId, sequenceId } = packet;
    this.deliver([packet.connection.connectionId], { cmd, msgType: MsgType.response, logId, sequenceId, data });
  }

  answerLogin(packet: UplinkPacket): void {
    const text = Buffer.from(packet.data).toString();
    if (text !== WRONG_TOKEN.toString()) {
      const [userId, deviceId] = text.split(':');
      const sessionId = this.#nextSession++;
      const identity = { userId: BigInt(userId || 1), deviceId: deviceId ?? 'device', sessionId, epoch: 1 };
      this.gate?.bind(packet.connection.connectionId, identity);
    }
    this.answer(packet, new Uint8Array(0));
  }

  deliver(connectionIds: number[], frame: OutgoingFrame): void {
    this.gate?.downlink({ connectionIds, frame });
  }
}
