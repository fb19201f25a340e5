import type { DownlinkPacket, GatePort, GroupPacket, GroupSignal, Identity } from '../contract.ts';
import type { LinkErrorHandler } from '../in-process.ts';
import type { Link } from './link.ts';
import { ToGateWriter } from './wire/to-gate.ts';

/** A gate, as a logic node sees it over a link. What is said after the link's end is lost. */
export class RemoteGate implements GatePort {
  readonly gateId: string;
  readonly #link: Link;
  readonly #onError: LinkErrorHandler;
  readonly #writer: ToGateWriter;

  constructor(link: Link, onError: LinkErrorHandler) {
    this.gateId = link.peer.nodeId;
    this.#link = link;
    this.#onError = onError;
    this.#writer = new ToGateWriter(link.writer);
  }

  leaving(): void {
    this.#send(() => this.#writer.leaving());
  }

  bind(connectionId: number, identity: Identity): void {
    this.#send(() => this.#writer.bind(connectionId, identity));
  }

  downlink(packet: DownlinkPacket): void {
    this.#send(() => this.#writer.downlink(packet));
  }

  follow(connectionId: number, groups: Parameters<GatePort['follow']>[1]): void {
    this.#send(() => this.#writer.follow(connectionId, groups));
  }

  view(connectionId: number, conversationId: bigint | undefined): void {
    this.#send(() => this.#writer.view(connectionId, conversationId));
  }

  confirm(conversationId: bigint, userIds: readonly bigint[], removalsSeq: number): void {
    this.#send(() => this.#writer.confirm(conversationId, userIds, removalsSeq));
  }

  group(packet: GroupPacket): void {
    this.#send(() => this.#writer.group(packet));
  }

  signal(signal: GroupSignal): void {
    this.#send(() => this.#writer.signal(signal));
  }

  close(connectionId: number, close: Parameters<GatePort['close']>[1]): void {
    this.#send(() => this.#writer.close(connectionId, close));
  }

  /** A packet that no link takes (one over the limit) is lost, and is a bug of who made it. */
  #send(write: () => void): void {
    if (!this.#link.open) return;
    try {
      write();
    } catch (error) {
      this.#onError(error);
      return;
    }
    this.#link.sent();
  }
}
