import { Command, MsgType } from '@fastim/protocol';
import type { UplinkStep } from './uplink-step.ts';

/** Only requests go on to logic. */
export const directionStep: UplinkStep = {
  name: 'direction',
  take({ metrics }, connection, frame) {
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
};
