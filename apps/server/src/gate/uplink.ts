import {
  CloseCode,
  Command,
  commandName,
  type ErrorName,
  type Frame,
  MsgType,
  requestCommands,
} from '@fastim/protocol';
import type { Logger } from 'pino';
import type { LogicPort } from '../cluster/contract.ts';
import type { GateConfig } from '../config.ts';
import { statusAnswer } from './answers.ts';
import type { Connection } from './connection.ts';
import { COPY_FROM_CHUNK_BYTES, COPY_RATIO } from './gate-limits.ts';
import type { GateMetrics, RejectReason } from './gate-metrics.ts';

/** next: to the next step. done: dealt with. wait: not now, offer the frame again. */
type Verdict = 'next' | 'done' | 'wait';

export interface UplinkStep {
  readonly name: string;
  take(connection: Connection, frame: Frame): Verdict;
}

export interface UplinkOptions {
  readonly config: GateConfig;
  readonly logic: LogicPort;
  readonly metrics: GateMetrics;
  readonly logger: Logger;
}

/**
 * What happens to a frame from a client, step by step, until one says it is done (seed 2.2). The gate looks at the
 * header only. Only the first step may ask to wait: it has not changed anything then.
 */
export class Uplink {
  readonly #steps: readonly UplinkStep[];

  constructor(options: UplinkOptions) {
    this.#steps = uplinkSteps(options);
  }

  get stepNames(): string[] {
    return this.#steps.map((step) => step.name);
  }

  /** False: the frame has to wait. Frames of one connection must be offered in order. */
  handle(connection: Connection, frame: Frame): boolean {
    // Frames behind one that closed the connection are dropped.
    if (!connection.isOpen) return true;
    for (const step of this.#steps) {
      const verdict = step.take(connection, frame);
      if (verdict !== 'next') return verdict === 'done';
    }
    return true;
  }
}

function uplinkSteps({ config, logic, metrics, logger }: UplinkOptions): readonly UplinkStep[] {
  const reject = (connection: Connection, frame: Frame, reason: ErrorName, counted: RejectReason): Verdict => {
    metrics.rejected(counted);
    connection.send(statusAnswer(frame, reason));
    return 'done';
  };

  return [
    {
      name: 'limit',
      take(connection, frame) {
        // What follows a LOGIN waits for its outcome.
        if (connection.state === 'authenticating') return 'wait';
        if (connection.inFlight >= config.inFlightPerConnection || connection.isCongested) return 'wait';
        if (!connection.takeFrame()) return 'wait';
        if (frame.cmd === Command.heartbeat && !connection.takeHeartbeat()) {
          connection.close(CloseCode.rateLimited, 'too many heartbeats');
          return 'done';
        }
        return 'next';
      },
    },
    {
      name: 'direction',
      take(connection, frame) {
        if (frame.msgType === MsgType.response) {
          // The gate never asks a client anything.
          metrics.rejected('response_ignored');
          return 'done';
        }
        if (frame.msgType !== MsgType.notify) return 'next';
        // Nobody waits for an answer to a notification: one that we do not know is dropped.
        if (frame.cmd === Command.goodbye) connection.leave();
        else metrics.rejected('notify_ignored');
        return 'done';
      },
    },
    {
      name: 'state',
      take(connection, frame) {
        const isLogin = frame.cmd === Command.login && frame.msgType === MsgType.request;
        if (connection.isBound) {
          return isLogin ? reject(connection, frame, 'ALREADY_BOUND', 'already_bound') : 'next';
        }
        if (isLogin) return 'next';
        reject(connection, frame, 'UNAUTHENTICATED', 'unauthenticated');
        connection.close(CloseCode.unauthenticated, 'log in first');
        return 'done';
      },
    },
    {
      name: 'command',
      take(connection, frame) {
        if (frame.msgType === MsgType.request && requestCommands.has(frame.cmd)) {
          connection.unknownInRow = 0;
          return 'next';
        }
        connection.unknownInRow += 1;
        reject(connection, frame, 'UNKNOWN_CMD', 'unknown_command');
        if (connection.unknownInRow >= config.unknownCommandsAllowed) {
          connection.close(CloseCode.protocolError, 'too many unknown commands');
        }
        return 'done';
      },
    },
    {
      name: 'sequence',
      take(connection, frame) {
        if (frame.sequenceId <= connection.lastSequenceId) {
          return reject(connection, frame, 'DUP_SEQ', 'duplicate_sequence');
        }
        connection.lastSequenceId = frame.sequenceId;
        return 'next';
      },
    },
    {
      name: 'metrics',
      take(connection, frame) {
        metrics.frameUp(frame.cmd);
        if (logger.isLevelEnabled('debug')) {
          const { cmd, logId, sequenceId } = frame;
          const userId = connection.identity?.userId.toString();
          logger.debug({ connectionId: connection.id, userId, command: commandName(cmd), logId, sequenceId }, 'uplink');
        }
        return 'next';
      },
    },
    {
      name: 'forward',
      take(connection, frame) {
        connection.inFlight += 1;
        connection.forwarded = true;
        if (frame.cmd === Command.login) connection.loginForwarded();
        try {
          logic.uplink({
            connection: connection.ref,
            identity: connection.identity,
            remoteAddress: connection.remoteAddress,
            cmd: frame.cmd,
            msgType: frame.msgType,
            logId: frame.logId,
            sequenceId: frame.sequenceId,
            data: owned(frame.data),
          });
        } catch (error) {
          // A bug of ours; it must not take the other connections with it.
          logger.error({ err: error, connectionId: connection.id, logId: frame.logId }, 'logic threw on an uplink');
          metrics.rejected('logic_failed');
          const answer = statusAnswer(frame, 'INTERNAL');
          connection.answered(answer);
          connection.send(answer);
        }
        return 'done';
      },
    },
  ];
}

/**
 * Logic may keep `data`. Node never writes to a chunk again after handing it out, so a view will do, unless a small
 * request would keep a large chunk alive.
 */
function owned(data: Uint8Array): Uint8Array {
  const chunk = data.buffer.byteLength;
  return chunk >= COPY_FROM_CHUNK_BYTES && data.length * COPY_RATIO < chunk ? data.slice() : data;
}
