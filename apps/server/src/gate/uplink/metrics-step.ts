import { commandName } from '@fastim/protocol';
import type { UplinkStep } from './uplink-step.ts';

/** Counts and, where asked for, logs what goes on. */
export const metricsStep: UplinkStep = {
  name: 'metrics',
  take({ metrics, logger }, connection, frame) {
    metrics.frameUp(frame.cmd);
    if (logger.isLevelEnabled('debug')) {
      const { cmd, logId, sequenceId } = frame;
      const userId = connection.identity?.userId.toString();
      logger.debug({ connectionId: connection.id, userId, command: commandName(cmd), logId, sequenceId }, 'uplink');
    }
    return 'next';
  },
};
