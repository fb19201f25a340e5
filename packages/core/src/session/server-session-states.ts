import type { StateTable } from './state-table.ts';

/**
 * One connection as the gate sees it.
 *
 * - accepted: the socket is open, only LOGIN is allowed. authenticating: LOGIN went to logic.
 * - bound: logged in. draining: bound, and told to reconnect elsewhere. closing: goodbye is on its way. closed: gone.
 */
export type ServerSessionState = 'accepted' | 'authenticating' | 'bound' | 'draining' | 'closing' | 'closed';

export type ServerSessionEvent =
  | 'login'
  /** Logic accepted the login. */
  | 'bind'
  /** Logic refused the login; another try is allowed. */
  | 'refuse'
  | 'drain'
  /** We want it gone: last frames are flushed first. */
  | 'close'
  /** The socket is gone, from whichever side. */
  | 'gone';

export const serverSessionTable: StateTable<ServerSessionState, ServerSessionEvent> = {
  accepted: { login: 'authenticating', close: 'closing', drain: 'closing', gone: 'closed' },
  authenticating: { bind: 'bound', refuse: 'accepted', close: 'closing', drain: 'closing', gone: 'closed' },
  bound: { drain: 'draining', close: 'closing', gone: 'closed' },
  draining: { close: 'closing', gone: 'closed' },
  closing: { gone: 'closed' },
  closed: {},
};
