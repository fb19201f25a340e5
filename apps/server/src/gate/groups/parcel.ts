import {
  Command,
  droppableCommands,
  HEADER_LENGTH,
  MAX_DATA_AFTER_LOGIN,
  MAX_REPEATED,
  MsgType,
  PROTOCOL_VERSION,
  writeHeader,
} from '@fastim/protocol';
import type { Interest } from './interest.ts';

/** A part of one frame: encoded repeated fields, which protobuf reads behind one another as one message. */
export interface Piece {
  readonly cmd: number;
  readonly data: Uint8Array;
  readonly logId: number;
  readonly interest: Interest;
}

/** A frame that is ready to be sent, shared by all connections that get it. */
export interface ParcelFrame {
  readonly cmd: number;
  readonly bytes: Uint8Array;
  readonly pieces: number;
  /** Where a client that cannot take the frame now has to pull from later; empty: nothing is lost with it. */
  readonly interests: readonly Interest[];
}

/**
 * What one connection gets of the groups in one tick: the pieces so far, as a path from a common beginning. Connections
 * that were given the same pieces in the same order stand at the same place, so what they get is encoded once, and
 * giving a piece to a connection is one step.
 */
export class Parcel {
  readonly #before: Parcel | undefined;
  readonly #piece: Piece | undefined;
  /** The step that was taken last from here: nearly always the next connection takes the same one. */
  #lastPiece: Piece | undefined;
  #lastNext: Parcel | undefined;
  #others: Map<Piece, Parcel> | undefined;
  #frames: readonly ParcelFrame[] | undefined;

  private constructor(before?: Parcel, piece?: Piece) {
    this.#before = before;
    this.#piece = piece;
  }

  static empty(): Parcel {
    return new Parcel();
  }

  with(piece: Piece): Parcel {
    if (this.#lastPiece === piece) return this.#lastNext!;
    let next = this.#others?.get(piece);
    if (!next) {
      next = new Parcel(this, piece);
      if (this.#lastPiece) {
        this.#others ??= new Map([[this.#lastPiece, this.#lastNext!]]);
        this.#others.set(piece, next);
      }
    }
    this.#lastPiece = piece;
    this.#lastNext = next;
    return next;
  }

  /**
   * One frame for each command, in the order of its first piece, or more where one would go over the limits of the wire.
   * Of the heads of one conversation only the last is among them. Encoded when first asked for.
   */
  frames(): readonly ParcelFrame[] {
    this.#frames ??= encode(this.#path());
    return this.#frames;
  }

  #path(): Piece[] {
    const pieces: Piece[] = [];
    let at: Parcel | undefined = this;
    while (at) {
      if (at.#piece) pieces.push(at.#piece);
      at = at.#before;
    }
    return pieces.reverse();
  }
}

function encode(pieces: readonly Piece[]): ParcelFrame[] {
  if (pieces.length === 1) return [frameOf(pieces, pieces[0]!.data.length)];
  const frames: ParcelFrame[] = [];
  for (const ofCommand of byCommand(pieces)) {
    let length = 0;
    let from = 0;
    for (let index = 0; index < ofCommand.length; index += 1) {
      const next = ofCommand[index]!.data.length;
      if (index > from && (length + next > MAX_DATA_AFTER_LOGIN || index - from >= MAX_REPEATED)) {
        frames.push(frameOf(ofCommand.slice(from, index), length));
        from = index;
        length = 0;
      }
      length += next;
    }
    frames.push(frameOf(ofCommand.slice(from), length));
  }
  return frames;
}

function byCommand(pieces: readonly Piece[]): Iterable<Piece[]> {
  const lastHeads = new Map<Interest, Piece>();
  for (const piece of pieces) if (piece.cmd === Command.heads) lastHeads.set(piece.interest, piece);
  const commands = new Map<number, Piece[]>();
  for (const piece of pieces) {
    if (piece.cmd === Command.heads && lastHeads.get(piece.interest) !== piece) continue;
    const same = commands.get(piece.cmd);
    if (same) same.push(piece);
    else commands.set(piece.cmd, [piece]);
  }
  return commands.values();
}

function frameOf(pieces: readonly Piece[], length: number): ParcelFrame {
  const first = pieces[0]!;
  // Not from the pool: the frame may live as long as the slowest of its receivers.
  const bytes = Buffer.allocUnsafeSlow(HEADER_LENGTH + length);
  writeHeader(new DataView(bytes.buffer), 0, {
    version: PROTOCOL_VERSION,
    cmd: first.cmd,
    msgType: MsgType.notify,
    // A merged frame is found in the log by its oldest piece.
    logId: first.logId,
    sequenceId: 0,
    dataLength: length,
  });
  let offset = HEADER_LENGTH;
  for (const { data } of pieces) {
    bytes.set(data, offset);
    offset += data.length;
  }
  const droppable = droppableCommands.has(first.cmd);
  const interests = droppable ? [] : [...new Set(pieces.map(({ interest }) => interest))];
  return { cmd: first.cmd, bytes, pieces: pieces.length, interests };
}
