import {
  Command,
  type ErrorName,
  type Frame,
  type FrameHeader,
  goodbye,
  MAX_PROTOCOL_VERSION,
  MIN_PROTOCOL_VERSION,
  MsgType,
  type OutgoingFrame,
  reconnect,
  statusOf,
  statusResponse,
} from '@fastim/protocol';

/** The frames that the gate makes itself. Everything else comes from logic, unread. */

/** The answer to a request that goes no further than the gate. */
export function statusAnswer(
  request: Frame | FrameHeader,
  reason: ErrorName,
  retryAfterMs = 0,
  message?: string,
): OutgoingFrame {
  const { cmd, logId, sequenceId } = request;
  const data = statusResponse.encode({ status: statusOf(reason, message, retryAfterMs) });
  return { cmd, msgType: MsgType.response, logId, sequenceId, data };
}

/**
 * The answer to a client of another wire version. Its header may mean something else past the version field, so this
 * is always written as the answer to a first LOGIN (sequenceId 0), which is what such a client waits for.
 */
export function upgradeAnswer(): OutgoingFrame {
  const status = {
    ...statusOf('UPGRADE_REQUIRED'),
    minVersion: MIN_PROTOCOL_VERSION,
    maxVersion: MAX_PROTOCOL_VERSION,
  };
  const data = statusResponse.encode({ status });
  return { cmd: Command.login, msgType: MsgType.response, logId: 0, sequenceId: 0, data };
}

export function goodbyeFrame(closeCode: number, reason: string, retryAfterMs = 0): OutgoingFrame {
  return notify(Command.goodbye, goodbye.encode({ closeCode, reason, retryAfterMs }));
}

export function reconnectFrame(delayMs: number): OutgoingFrame {
  return notify(Command.reconnect, reconnect.encode({ delayMs }));
}

function notify(cmd: number, data: Uint8Array): OutgoingFrame {
  return { cmd, msgType: MsgType.notify, logId: 0, sequenceId: 0, data };
}
