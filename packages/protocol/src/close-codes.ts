/**
 * Why a connection was closed, in ranges that tell the client what to do next. The numbers are WebSocket close codes
 * in the application range; over TCP they travel in a Goodbye frame.
 */
export type CloseAction =
  /** Connect again at once (with the usual jitter), the same gate will do. */
  | 'reconnect'
  /** Connect again after the delay given (or the usual backoff where none is). */
  | 'reconnect-later'
  /** Ask the LSB for another gate. */
  | 'ask-lsb'
  /** Do not connect again without the user (logged out, banned, upgrade). */
  | 'stop';

export const closeRanges: ReadonlyArray<{ from: number; to: number; action: CloseAction }> = [
  { from: 4000, to: 4099, action: 'reconnect' },
  { from: 4100, to: 4199, action: 'reconnect-later' },
  { from: 4200, to: 4299, action: 'ask-lsb' },
  { from: 4300, to: 4399, action: 'stop' },
];

export const CloseCode = {
  /** The peer was silent past the heartbeat timeout. */
  heartbeatTimeout: 4000,
  /** The client did not read fast enough; nothing is lost, its cursors say where to go on. */
  slowConsumer: 4001,
  /** Deliveries were not acknowledged after the last re-notify. */
  unacknowledged: 4002,
  /** No login within the time allowed. */
  loginTimeout: 4003,
  /** The part of the server that this connection belonged to is gone; another one takes its place. */
  nodeLost: 4004,
  /** A newer connection of the same device took over. */
  replaced: 4100,
  /** Too many frames, bad frames or connections. */
  rateLimited: 4101,
  /** What the client sent was not a frame, too large, or out of place. */
  protocolError: 4102,
  /** Something failed on our side. */
  internalError: 4103,
  /** The gate drains or stops. */
  goingAway: 4200,
  /** The gate has no room. */
  gateFull: 4201,
  /** The access token is unknown or past its time: refresh it, or log in again. */
  unauthenticated: 4202,
  /** The ticket of the LOGIN is missing or not good at this gate: ask for another. */
  ticketInvalid: 4203,
  /** The session was ended (log-out, revoked, password changed). */
  loggedOut: 4300,
  banned: 4301,
  /** Wire version out of range. */
  upgradeRequired: 4302,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** What a client does after a close. Codes outside our ranges (network errors, 1006 …) mean "reconnect". */
export function closeAction(code: number): CloseAction {
  return closeRanges.find((range) => code >= range.from && code <= range.to)?.action ?? 'reconnect';
}
