import { CloseCode, MsgType, requestCommands } from '@fastim/protocol';
import { reject, type UplinkStep } from './uplink-step.ts';

/** Commands that there are. */
export const commandStep: UplinkStep = {
  name: 'command',
  take(context, connection, frame) {
    if (frame.msgType === MsgType.request && requestCommands.has(frame.cmd)) {
      connection.unknownInRow = 0;
      return 'next';
    }
    connection.unknownInRow += 1;
    reject(context, connection, frame, 'UNKNOWN_CMD', 'unknown_command');
    if (connection.unknownInRow >= context.config.unknownCommandsAllowed) {
      connection.close(CloseCode.protocolError, 'too many unknown commands');
    }
    return 'done';
  },
};
