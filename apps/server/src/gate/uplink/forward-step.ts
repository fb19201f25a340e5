import { Command } from '@fastim/protocol';
import { statusAnswer } from '../answers.ts';
import { COPY_FROM_CHUNK_BYTES, COPY_RATIO } from '../gate-limits.ts';
import type { UplinkStep } from './uplink-step.ts';

/** Hands the frame to logic, unread. */
export const forwardStep: UplinkStep = {
  name: 'forward',
  take({ logic, logger, metrics, trace }, connection, frame) {
    connection.inFlight += 1;
    connection.forwarded = true;
    if (frame.cmd === Command.login) connection.loginForwarded();
    if (frame.cmd === Command.send) trace?.note('forwarded', frame.logId, { connectionId: connection.id });
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
};

/**
 * Logic may keep `data`. Node never writes to a chunk again after handing it out, so a view will do, unless a small
 * request would keep a large chunk alive.
 */
function owned(data: Uint8Array): Uint8Array {
  const chunk = data.buffer.byteLength;
  return chunk >= COPY_FROM_CHUNK_BYTES && data.length * COPY_RATIO < chunk ? data.slice() : data;
}
