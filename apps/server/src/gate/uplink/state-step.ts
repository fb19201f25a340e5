import { CloseCode, Command, MsgType } from '@fastim/protocol';
import { reject, type UplinkStep } from './uplink-step.ts';

/** LOGIN first, and once. */
export const stateStep: UplinkStep = {
  name: 'state',
  take(context, connection, frame) {
    const isLogin = frame.cmd === Command.login && frame.msgType === MsgType.request;
    if (connection.isBound) {
      return isLogin ? reject(context, connection, frame, 'ALREADY_BOUND', 'already_bound') : 'next';
    }
    if (isLogin) return 'next';
    reject(context, connection, frame, 'UNAUTHENTICATED', 'unauthenticated');
    connection.close(CloseCode.unauthenticated, 'log in first');
    return 'done';
  },
};
