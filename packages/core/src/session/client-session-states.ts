import type { StateTable } from './state-table.ts';

/**
 * The client's session, from stopped to online and back (DESIGN 4, 8).
 *
 * - stopped: nothing runs. ended: the session is over for good (logged out, revoked, banned, upgrade): needs the user.
 * - locating: asking the LSB for a gate. connecting: opening the socket. loggingIn: LOGIN is sent.
 * - online: logged in. refreshing: getting a new access token. waiting: backing off until `retry`.
 *
 * Two rules: every state but `stopped` and `ended` leads back to `online` without the user, and from every state
 * `stop` leads to `stopped`.
 */
export type ClientSessionState =
  | 'stopped'
  | 'locating'
  | 'connecting'
  | 'loggingIn'
  | 'online'
  | 'refreshing'
  | 'waiting'
  | 'ended';

export type ClientSessionEvent =
  | 'start'
  | 'stop'
  /** The LSB answered with gates. */
  | 'located'
  /** The socket is open. */
  | 'connected'
  | 'loggedIn'
  /** The access token is not accepted any more (LOGIN, the LSB, or a close said so). */
  | 'tokenExpired'
  | 'refreshed'
  /** Anything that a later try can mend: no network, refused, timeout, closed, overloaded. */
  | 'failed'
  /** Closed with "ask the LSB": go on at once with another gate. */
  | 'redirected'
  /** The backoff is over, or the network came back, or the user pressed Retry. */
  | 'retry'
  /** The server ended the session. */
  | 'revoked';

export const clientSessionTable: StateTable<ClientSessionState, ClientSessionEvent> = {
  stopped: { start: 'locating' },
  locating: { located: 'connecting', tokenExpired: 'refreshing', failed: 'waiting', revoked: 'ended', stop: 'stopped' },
  connecting: { connected: 'loggingIn', failed: 'waiting', redirected: 'locating', stop: 'stopped' },
  loggingIn: {
    loggedIn: 'online',
    tokenExpired: 'refreshing',
    failed: 'waiting',
    redirected: 'locating',
    revoked: 'ended',
    stop: 'stopped',
  },
  online: { failed: 'waiting', redirected: 'locating', tokenExpired: 'refreshing', revoked: 'ended', stop: 'stopped' },
  refreshing: { refreshed: 'locating', failed: 'waiting', revoked: 'ended', stop: 'stopped' },
  waiting: { retry: 'locating', stop: 'stopped' },
  ended: { start: 'locating', stop: 'stopped' },
};
