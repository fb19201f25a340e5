import type { Clock } from '@fastim/core';
import {
  type Codec,
  Command,
  commandName,
  encodeFrames,
  FastimError,
  FrameDecoder,
  frameLength,
  goodbye,
  MAX_DATA_AFTER_LOGIN,
  MAX_WEBSOCKET_MESSAGE,
  MsgType,
  type OutgoingFrame,
  type RemoteProtocolError,
  type Status,
  statusToError,
} from '@fastim/protocol';
import { describe } from './errors.ts';
import type { GateAddress, Logger, Random, Transport, TransportConnection } from './ports.ts';

/** Why a link ended. */
export interface LinkClose {
  /** A close code of the protocol, or whatever the channel said, or 0. */
  readonly code: number;
  readonly reason: string;
  readonly retryAfterMs: number;
  /** The peer sent what is not the protocol. */
  readonly fault: RemoteProtocolError | undefined;
}

export interface LinkEvents {
  opened(): void;
  /** Any bytes came. */
  received(): void;
  notify(cmd: number, data: Uint8Array): void;
  /** Once, unless we closed it ourselves. Every open request has been rejected before. */
  closed(close: LinkClose): void;
}

interface Pending {
  readonly cmd: number;
  readonly answer: (data: Uint8Array) => void;
  readonly fail: (error: FastimError) => void;
  readonly cancelTimer: () => void;
}

/**
 * One connection to a gate: requests with their answers, and notifications.
 *
 * Requests go out in the order of the calls; the frames of one turn in one write. sequenceId counts from 0 on each
 * connection. A request rejects with the server's status, with TIMEOUT, or with UNAVAILABLE when the link is gone;
 * then nothing is known of its effect.
 */
export class ConnectionLink {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #events: LinkEvents;
  readonly #decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
  readonly #pending = new Map<number, Pending>();
  readonly #channel: TransportConnection;
  #outgoing: OutgoingFrame[] = [];
  #nextSequenceId = 0;
  #closed = false;
  #goodbye: LinkClose | undefined;

  constructor(parts: {
    transport: Transport;
    address: GateAddress;
    clock: Clock;
    random: Random;
    logger: Logger;
    events: LinkEvents;
  }) {
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#logger = parts.logger;
    this.#events = parts.events;
    this.#channel = parts.transport.connect(parts.address, {
      opened: () => {
        if (!this.#closed) this.#events.opened();
      },
      data: (bytes) => this.#receive(bytes),
      closed: ({ code, reason }) => this.#end(this.#goodbye ?? { code, reason, retryAfterMs: 0, fault: undefined }),
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  request<Request, Response extends { status: Status | undefined }>(
    cmd: number,
    codec: Codec<Request>,
    value: Request,
    responseCodec: Codec<Response>,
    timeoutMs: number,
  ): Promise<Response> {
    return new Promise<Response>((resolve, reject) => {
      if (this.#closed) {
        reject(new FastimError('UNAVAILABLE', 'not connected'));
        return;
      }
      const data = codec.encode(value);
      const sequenceId = this.#nextSequenceId;
      this.#nextSequenceId += 1;
      const cancelTimer = this.#clock.setTimer(timeoutMs, () => {
        this.#pending.delete(sequenceId);
        reject(new FastimError('TIMEOUT', `no answer to ${commandName(cmd)}`));
      });
      this.#pending.set(sequenceId, {
        cmd,
        cancelTimer,
        fail: reject,
        answer: (bytes) => {
          const response = responseCodec.decode(bytes);
          if (response.status) reject(statusToError(response.status));
          else resolve(response);
        },
      });
      const logId = Math.floor(this.#random.fraction() * 0x1_0000_0000);
      this.#send({ cmd, msgType: MsgType.request, logId, sequenceId, data });
    });
  }

  /** Says no more events; open requests are rejected. */
  close(): void {
    if (this.#closed) return;
    this.#flush();
    this.#closed = true;
    this.#channel.close();
    this.#rejectAll();
  }

  #send(frame: OutgoingFrame): void {
    this.#outgoing.push(frame);
    if (this.#outgoing.length === 1) void Promise.resolve().then(() => this.#flush());
  }

  #flush(): void {
    if (this.#closed || this.#outgoing.length === 0) return;
    const frames = this.#outgoing;
    this.#outgoing = [];
    let from = 0;
    let length = 0;
    for (let index = 0; index < frames.length; index += 1) {
      const next = frameLength(frames[index]!);
      // What goes out in one piece is one WebSocket message.
      if (length + next > MAX_WEBSOCKET_MESSAGE) {
        this.#channel.send(encodeFrames(frames.slice(from, index)));
        from = index;
        length = 0;
      }
      length += next;
    }
    this.#channel.send(encodeFrames(frames.slice(from)));
  }

  #receive(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#events.received();
    for (const frame of this.#decoder.push(bytes)) {
      // A frame may have led to a close.
      if (this.#closed) return;
      if (frame.msgType === MsgType.response) this.#answer(frame.sequenceId, frame.cmd, frame.data);
      else if (frame.msgType === MsgType.notify) this.#notify(frame.cmd, frame.data);
      else this.#logger.debug({ cmd: frame.cmd, msgType: frame.msgType }, 'dropped a frame of no known type');
    }
    const fault = this.#decoder.fault;
    if (fault && !this.#closed) {
      this.#channel.close();
      this.#end({ code: 0, reason: fault.message, retryAfterMs: 0, fault });
    }
  }

  #answer(sequenceId: number, cmd: number, data: Uint8Array): void {
    const pending = this.#pending.get(sequenceId);
    if (!pending || pending.cmd !== cmd) {
      this.#logger.debug({ cmd, sequenceId }, 'dropped an answer that nobody waits for');
      return;
    }
    this.#pending.delete(sequenceId);
    pending.cancelTimer();
    try {
      pending.answer(data);
    } catch (error) {
      this.#logger.warn({ cmd, ...describe(error) }, 'an answer cannot be read');
      pending.fail(new FastimError('INTERNAL', 'the answer cannot be read', { cause: error }));
    }
  }

  #notify(cmd: number, data: Uint8Array): void {
    try {
      if (cmd === Command.goodbye) {
        const { closeCode, reason, retryAfterMs } = goodbye.decode(data);
        this.#goodbye = { code: closeCode, reason, retryAfterMs, fault: undefined };
        this.#channel.close();
        this.#end(this.#goodbye);
        return;
      }
      this.#events.notify(cmd, data);
    } catch (error) {
      this.#logger.warn({ cmd, ...describe(error) }, 'a notification cannot be read');
    }
  }

  #end(close: LinkClose): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#rejectAll();
    this.#events.closed(close);
  }

  #rejectAll(): void {
    const open = [...this.#pending.values()];
    this.#pending.clear();
    for (const pending of open) {
      pending.cancelTimer();
      pending.fail(new FastimError('UNAVAILABLE', 'the connection was closed'));
    }
  }
}
