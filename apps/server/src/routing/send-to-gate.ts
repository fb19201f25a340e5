import { Command, MAX_DATA_AFTER_LOGIN, MAX_REPEATED, MsgType } from '@fastim/protocol';
import type { ConnectionRef, GatePort, InterestChange } from '../cluster/contract.ts';
import { GateInterest } from './gate-interest.ts';
import type { Route } from './route-table.ts';

/** What a response has to carry of its request. */
export interface RequestHeader {
  readonly connection: ConnectionRef;
  readonly cmd: number;
  readonly logId: number;
  readonly sequenceId: number;
}

/**
 * Notifications whose message is nothing but `repeated … = 1`: encoded ones put behind one another are one that holds
 * all their elements.
 */
export type PushCommand =
  | typeof Command.messages
  | typeof Command.cursors
  | typeof Command.heads
  | typeof Command.settingsPush
  | typeof Command.typingPush
  | typeof Command.presencePush;

/** In this order the pushes of one turn leave. */
const pushOrder: readonly PushCommand[] = [
  Command.messages,
  Command.heads,
  Command.cursors,
  Command.settingsPush,
  Command.typingPush,
  Command.presencePush,
];

/** What goes to one connection as one frame: encoded pieces that are valid behind one another. */
interface Parcel {
  readonly route: Route;
  readonly cmd: number;
  /** Of the first piece: a merged push is found in the log by its oldest message. */
  readonly logId: number;
  readonly pieces: Uint8Array[];
  length: number;
}

interface Shipment {
  readonly parcel: Parcel;
  readonly connectionIds: number[];
}

/**
 * Logic's way to the gates (the routing SDK of the seed).
 *
 * Responses leave at once. Pushes of one turn of the event loop are merged per connection and command: protobuf
 * reads pieces of `repeated x = 1` behind one another as one, so each piece is encoded once for all who get it. Connections of one gate that get the same bytes share one packet. Pushes to one
 * connection keep their order per command. A frame never goes over the limits of the wire.
 */
export class SendToGate {
  readonly #gates = new Map<string, GatePort>();
  readonly #interest = new GateInterest();
  readonly #parcels = new Map<PushCommand, Map<Route, Parcel>>(pushOrder.map((cmd) => [cmd, new Map()]));
  #scheduled = false;
  /** Frames × connections pushed since start, for metrics. */
  pushedFrames = 0;
  pushedPieces = 0;

  attach(gate: GatePort): void {
    this.#gates.set(gate.gateId, gate);
    this.#interest.forget(gate.gateId);
  }

  detach(gateId: string): void {
    this.#gates.delete(gateId);
    this.#interest.forget(gateId);
  }

  gate(gateId: string): GatePort | undefined {
    return this.#gates.get(gateId);
  }

  gates(): Iterable<GatePort> {
    return this.#gates.values();
  }

  /** Gates that somebody may follow the group at: those that said so, and those that have not said everything yet. */
  *gatesOf(conversationId: bigint): Iterable<GatePort> {
    for (const [gateId, gate] of this.#gates) if (this.#interest.mayFollow(gateId, conversationId)) yield gate;
  }

  /** What a gate says of the groups that are followed at it. */
  interested(gateId: string, change: InterestChange): void {
    if (this.#gates.has(gateId)) this.#interest.change(gateId, change);
  }

  /** Tells the connection's gate. From now on the group's packets go there, whatever the gate has said before. */
  follow(
    { gateId, connectionId }: ConnectionRef,
    groups: ReadonlyArray<{ conversationId: bigint; asOfSeq: number }>,
  ): void {
    const gate = this.#gates.get(gateId);
    if (!gate) return;
    this.#interest.expect(gateId, groups);
    gate.follow(connectionId, groups);
  }

  respond(request: RequestHeader, data: Uint8Array): void {
    this.#gates.get(request.connection.gateId)?.downlink({
      connectionIds: [request.connection.connectionId],
      frame: {
        cmd: request.cmd,
        msgType: MsgType.response,
        logId: request.logId,
        sequenceId: request.sequenceId,
        data,
      },
    });
  }

  close(connection: ConnectionRef, code: number, reason: string, retryAfterMs = 0): void {
    this.#gates.get(connection.gateId)?.close(connection.connectionId, { code, reason, retryAfterMs });
  }

  /** `piece` is the encoded message of `cmd`, with one element. */
  push(route: Route, cmd: PushCommand, piece: Uint8Array, logId: number): void {
    this.pushedPieces += 1;
    const parcels = this.#parcels.get(cmd)!;
    const parcel = parcels.get(route);
    if (parcel) {
      if (parcel.length + piece.length <= MAX_DATA_AFTER_LOGIN && parcel.pieces.length < MAX_REPEATED) {
        parcel.pieces.push(piece);
        parcel.length += piece.length;
        return;
      }
      this.#ship({ parcel, connectionIds: [route.connection.connectionId] });
    }
    parcels.set(route, { route, cmd, logId, pieces: [piece], length: piece.length });
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(this.#flush);
    }
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    for (const parcels of this.#parcels.values()) {
      if (parcels.size === 0) continue;
      const shipments = new Map<Uint8Array, Shipment[]>();
      for (const parcel of parcels.values()) {
        const alike = shipments.get(parcel.pieces[0]!);
        const shipment = alike?.find((other) => sameParcel(other.parcel, parcel));
        if (shipment) shipment.connectionIds.push(parcel.route.connection.connectionId);
        else {
          const fresh = { parcel, connectionIds: [parcel.route.connection.connectionId] };
          if (alike) alike.push(fresh);
          else shipments.set(parcel.pieces[0]!, [fresh]);
        }
      }
      parcels.clear();
      for (const alike of shipments.values()) for (const shipment of alike) this.#ship(shipment);
    }
  };

  #ship({ parcel, connectionIds }: Shipment): void {
    this.pushedFrames += connectionIds.length;
    this.#gates.get(parcel.route.connection.gateId)?.downlink({
      connectionIds,
      frame: {
        cmd: parcel.cmd,
        msgType: MsgType.notify,
        logId: parcel.logId,
        // Rises per connection, and a push may go to many: notifications have none.
        sequenceId: 0,
        data: parcel.pieces.length === 1 ? parcel.pieces[0]! : joined(parcel),
      },
    });
  }
}

function sameParcel(a: Parcel, b: Parcel): boolean {
  if (a.route.connection.gateId !== b.route.connection.gateId || a.pieces.length !== b.pieces.length) return false;
  for (let index = 0; index < a.pieces.length; index += 1) if (a.pieces[index] !== b.pieces[index]) return false;
  return true;
}

function joined(parcel: Parcel): Uint8Array {
  const data = new Uint8Array(parcel.length);
  let offset = 0;
  for (const piece of parcel.pieces) {
    data.set(piece, offset);
    offset += piece.length;
  }
  return data;
}
