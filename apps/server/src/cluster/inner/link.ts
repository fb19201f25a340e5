import type { Clock } from '@fastim/core';
import type { LinkKind, LinkMetrics } from './link-metrics.ts';
import type { EndReason, PacketSocket } from './packet-socket.ts';
import { CONGESTED_BYTES } from './wire/limits.ts';
import { MalformedPacket, PacketReader } from './wire/packet-reader.ts';
import { PacketType } from './wire/packet-type.ts';
import { type PacketWriter, textLength } from './wire/packet-writer.ts';

/** Looks at a link in the time after which its silence is death. */
const LOOKS = 4;
/** Pings that are remembered to tell the other side's clock. */
const CLOCK_SAMPLES = 8;
/** From hanging up to cutting off. */
const GRACE_MS = 1_000;

/** Who is at the other end, as proved by the handshake. */
export interface LinkPeer {
  readonly nodeId: string;
  readonly name: string;
  /** The other side's clock less ours, when its first packet came. */
  readonly clockAheadMs: number;
}

/** Takes a packet and reads it to its end. False: not known here. */
export type TakePacket = (type: number, from: PacketReader) => boolean;

/**
 * A link that is up. Packets of each direction keep their order. It ends, once, when nothing was heard for `silenceMs`
 * (found between that and a quarter more; a process that was itself asleep first reads what came meanwhile), when more
 * waits than it may, when a packet cannot be read, or when somebody hangs up.
 */
export class Link {
  readonly kind: LinkKind;
  readonly peer: LinkPeer;
  packetsOut = 0;
  readonly #socket: PacketSocket;
  readonly #clock: Clock;
  readonly #metrics: LinkMetrics;
  readonly #lookMs: number;
  readonly #reader = new PacketReader();
  readonly #clockSamples: number[];
  #take: TakePacket = () => false;
  #cancelLook: (() => void) | undefined;
  #heard = 0;
  #silentLooks = 0;
  #saidGoodbye: string | undefined;

  constructor(parts: {
    kind: LinkKind;
    peer: LinkPeer;
    socket: PacketSocket;
    clock: Clock;
    metrics: LinkMetrics;
    silenceMs: number;
  }) {
    this.kind = parts.kind;
    this.peer = parts.peer;
    this.#socket = parts.socket;
    this.#clock = parts.clock;
    this.#metrics = parts.metrics;
    this.#lookMs = Math.max(1, Math.ceil(parts.silenceMs / LOOKS));
    this.#clockSamples = [parts.peer.clockAheadMs];
  }

  /** From this turn on packets go to `take`. */
  start(take: TakePacket): void {
    this.#take = take;
    this.#socket.trust();
    this.#socket.handler = (type, bytes, from, to) => this.#packet(type, this.#reader.open(bytes, from, to));
    this.#heard = this.#socket.bytesIn;
    this.#metrics.up(this);
    this.#lookLater();
  }

  get open(): boolean {
    return this.#socket.open;
  }

  /** Where packets are written; `sent` after each of them. */
  get writer(): PacketWriter {
    return this.#socket.writer;
  }

  /** A packet was written. It leaves at the end of the turn. */
  sent(): void {
    this.packetsOut += 1;
    this.#socket.written();
  }

  /** Changes with every write to the socket. */
  get turn(): number {
    return this.#socket.turn;
  }

  get waiting(): number {
    return this.#socket.waiting;
  }

  /** More waits than should; packets are taken nevertheless, up to the bound that ends the link. */
  get congested(): boolean {
    return this.#socket.waiting > CONGESTED_BYTES;
  }

  get packetsIn(): number {
    return this.#socket.packetsIn;
  }

  get bytesIn(): number {
    return this.#socket.bytesIn;
  }

  get bytesOut(): number {
    return this.#socket.bytesOut;
  }

  /** The other side said that it hangs up, and why. */
  get goodbye(): string | undefined {
    return this.#saidGoodbye;
  }

  /**
   * How long ago the other side's clock said `theirMs`. The packet with the least delay of the last ones tells how far the
   * clocks are apart, so a packet that lay somewhere looks as old as it is.
   */
  ageOf(theirMs: number): number {
    return this.#clock.now() - (theirMs - Math.max(...this.#clockSamples));
  }

  end(reason: EndReason, detail: string): void {
    this.#socket.end(reason, detail);
  }

  /** Writes what waits and a goodbye, then hangs up. Resolves when the socket is closed. */
  close(reason: string): Promise<void> {
    if (!this.open) return Promise.resolve();
    this.writer.begin(PacketType.goodbye, textLength(reason));
    this.writer.text(reason);
    this.packetsOut += 1;
    return this.#socket.finish('closed', reason, (callback) => this.#clock.setTimer(GRACE_MS, callback));
  }

  /** The socket has ended. */
  ended(reason: EndReason): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    this.#metrics.down(this, reason);
  }

  #packet(type: number, from: PacketReader): void {
    switch (type) {
      case PacketType.ping: {
        const theirMs = from.f64();
        from.end();
        this.#clockSamples.push(theirMs - this.#clock.now());
        if (this.#clockSamples.length > CLOCK_SAMPLES) this.#clockSamples.shift();
        this.#pulse(PacketType.pong, theirMs);
        return;
      }
      case PacketType.pong: {
        const ms = this.#clock.now() - from.f64();
        from.end();
        if (ms >= 0) this.#metrics.roundTrip(this.kind, ms);
        return;
      }
      case PacketType.goodbye:
        this.#saidGoodbye = from.text();
        this.#socket.end('goodbye', this.#saidGoodbye);
        return;
      default:
        if (!this.#take(type, from)) throw new MalformedPacket(`no packet has type ${type} here`);
    }
  }

  #pulse(type: typeof PacketType.ping | typeof PacketType.pong, ms: number): void {
    this.writer.begin(type, 8);
    this.writer.f64(ms);
    this.sent();
  }

  #lookLater(): void {
    this.#cancelLook = this.#clock.setTimer(this.#lookMs, this.#look);
  }

  readonly #look = (): void => {
    if (!this.open) return;
    this.#silentLooks = this.#socket.bytesIn === this.#heard ? this.#silentLooks + 1 : 0;
    this.#heard = this.#socket.bytesIn;
    if (this.#silentLooks >= LOOKS) {
      this.#socket.end('silence', `nothing heard for ${LOOKS * this.#lookMs} ms`);
      return;
    }
    this.#pulse(PacketType.ping, this.#clock.now());
    this.#lookLater();
  };
}
