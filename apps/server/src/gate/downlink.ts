import {
  Command,
  commandName,
  encodeFrames,
  MAX_DATA_AFTER_LOGIN,
  MsgType,
  type OutgoingFrame,
  statusOf,
  statusResponse,
} from '@fastim/protocol';
import type { Logger } from 'pino';
import type { DownlinkPacket } from '../cluster/contract.ts';
import type { Trace } from '../observe/trace-ring.ts';
import type { Connection } from './connection.ts';
import type { ConnectionTable } from './connection-table.ts';

/** Runs a callback when the present batch of events is through. */
export type Defer = (callback: () => void) => void;

/**
 * What logic sends to clients. A frame waits for the end of the tick in its connection's queue, so that everything a
 * tick produced for a connection is one write; a frame for many connections is encoded once.
 */
export class Downlink {
  readonly #table: ConnectionTable;
  readonly #logger: Logger;
  readonly #defer: Defer;
  readonly #flushed: () => void;
  readonly #trace: Trace | undefined;
  readonly #flushAll = () => this.#flush();
  #waiting: Connection[] = [];

  /** `flushed`: called when a tick's frames are written. */
  constructor(table: ConnectionTable, logger: Logger, defer: Defer, flushed: () => void, trace?: Trace) {
    this.#table = table;
    this.#logger = logger;
    this.#defer = defer;
    this.#flushed = flushed;
    this.#trace = trace;
  }

  deliver(packet: DownlinkPacket): void {
    const frame = this.#sendable(packet.frame);
    if (this.#logger.isLevelEnabled('debug')) {
      const { cmd, logId, sequenceId } = frame;
      const { connectionIds } = packet;
      this.#logger.debug({ connectionIds, command: commandName(cmd), logId, sequenceId }, 'downlink');
    }
    const isResponse = frame.msgType === MsgType.response;
    if (frame.cmd === Command.send || frame.cmd === Command.messages) {
      const { connectionIds } = packet;
      this.#trace?.note(isResponse ? 'answered' : 'to clients', frame.logId, { connections: connectionIds.join(' ') });
    }
    const shared = packet.connectionIds.length > 1 ? encodeFrames([frame], Buffer.allocUnsafeSlow) : undefined;
    for (const id of packet.connectionIds) {
      const connection = this.#table.get(id);
      if (!connection) continue;
      // Other logic nodes may know of it before its own has answered the LOGIN; its first sync brings what this says.
      if (!isResponse && !connection.isGreeted) continue;
      if (isResponse) connection.answered(frame);
      connection.send(frame, shared);
    }
  }

  flushLater(connection: Connection): void {
    if (connection.flushArranged) return;
    connection.flushArranged = true;
    if (this.#waiting.push(connection) === 1) this.#defer(this.#flushAll);
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const connection of waiting) {
      connection.flushArranged = false;
      connection.flush();
    }
    this.#flushed();
  }

  /** A frame over the limit is a bug of ours: it is logged, and a request still gets an answer. */
  #sendable(frame: OutgoingFrame): OutgoingFrame {
    if (frame.data.length <= MAX_DATA_AFTER_LOGIN) return frame;
    const { cmd, msgType, logId, sequenceId } = frame;
    this.#logger.error({ command: commandName(cmd), logId, bytes: frame.data.length }, 'a downlink is over the limit');
    const status = statusOf('INTERNAL', 'the answer is over the limit of a frame');
    return { cmd, msgType, logId, sequenceId, data: statusResponse.encode({ status }) };
  }
}
