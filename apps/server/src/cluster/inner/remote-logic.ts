import type { ConnectionRef, Identity, InterestChange, LogicPort, UplinkPacket } from '../contract.ts';
import type { LinkErrorHandler } from '../in-process.ts';
import type { Link } from './link.ts';
import { ToLogicWriter } from './wire/to-logic.ts';

/** A logic node, as its gate sees it over a link. What is said after the link's end is lost. */
export class RemoteLogic implements LogicPort {
  readonly #link: Link;
  readonly #now: () => number;
  readonly #onError: LinkErrorHandler;
  readonly #writer: ToLogicWriter;
  /** The write to the socket that the last time went with. */
  #timedTurn = -1;

  constructor(link: Link, now: () => number, onError: LinkErrorHandler) {
    this.#link = link;
    this.#now = now;
    this.#onError = onError;
    this.#writer = new ToLogicWriter(link.writer);
  }

  uplink(packet: UplinkPacket): void {
    if (!this.#link.open) return;
    if (this.#timedTurn !== this.#link.turn) {
      this.#timedTurn = this.#link.turn;
      this.#writer.time(packet.handedOverMs ?? this.#now());
    }
    this.#send(() => this.#writer.uplink(packet));
  }

  connectionClosed(connection: ConnectionRef, identity: Identity | undefined): void {
    this.#send(() => this.#writer.connectionClosed(connection, identity));
  }

  interestStale(_gateId: string, conversationId: bigint, userIds: readonly bigint[]): void {
    this.#send(() => this.#writer.interestStale(conversationId, userIds));
  }

  interested(_gateId: string, change: InterestChange): void {
    this.#send(() => this.#writer.interested(change));
  }

  congested(): boolean {
    return this.#link.congested;
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
