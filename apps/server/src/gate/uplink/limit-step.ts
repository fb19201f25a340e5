import { CloseCode, Command } from '@fastim/protocol';
import type { UplinkStep } from './uplink-step.ts';

/** How much at a time, and how often. The only step that asks to wait: it has not changed anything then. */
export const limitStep: UplinkStep = {
  name: 'limit',
  take({ config, logic }, connection, frame) {
    // What follows a LOGIN waits for its outcome.
    if (connection.state === 'authenticating') return 'wait';
    if (connection.inFlight >= config.inFlightPerConnection || connection.isCongested) return 'wait';
    if (logic.congested?.(connection.ref)) {
      connection.waitForLink();
      return 'wait';
    }
    if (!connection.takeFrame()) return 'wait';
    if (frame.cmd === Command.heartbeat && !connection.takeHeartbeat()) {
      connection.close(CloseCode.rateLimited, 'too many heartbeats');
      return 'done';
    }
    return 'next';
  },
};
