import { reject, type UplinkStep } from './uplink-step.ts';

/** Each sequenceId is higher than the one before. */
export const sequenceStep: UplinkStep = {
  name: 'sequence',
  take(context, connection, frame) {
    if (frame.sequenceId <= connection.lastSequenceId) {
      return reject(context, connection, frame, 'DUP_SEQ', 'duplicate_sequence');
    }
    connection.lastSequenceId = frame.sequenceId;
    return 'next';
  },
};
