/** How this page reaches its engine: through the desktop shell, or over a WebSocket to the host that served it. */
import type { BridgePort } from '../../bridge/contract.ts';
import { requestPort } from '../../bridge/message-channel-port.ts';
import { openWebSocketPort } from '../../bridge/websocket-port.ts';

const tokenKey = 'fastim.bridge-token';

export class TokenMissing extends Error {
  /** Trying again changes nothing. */
  readonly final = true;
  override readonly name = 'TokenMissing';
}

/** Takes `#token=…` out of the address and keeps it for the next visit without one. */
export function takeToken(location: Location, history: History, storage: Storage): string | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get('token');
  if (token === null) return storage.getItem(tokenKey);
  storage.setItem(tokenKey, token);
  history.replaceState(history.state, '', location.pathname + location.search);
  return token;
}

export function profileOf(location: Location): string {
  return new URLSearchParams(location.search).get('profile') || 'default';
}

export function portOpener(window: Window): () => Promise<BridgePort> {
  const { location } = window;
  if (location.protocol !== 'http:' && location.protocol !== 'https:') {
    const setTimer = (delayMs: number, callback: () => void) => {
      const timer = window.setTimeout(callback, delayMs);
      return () => window.clearTimeout(timer);
    };
    return () => requestPort(window, setTimer);
  }
  const profile = profileOf(location);
  takeToken(location, window.history, window.localStorage);
  // A new address pasted into the open page changes only the fragment.
  window.addEventListener('hashchange', () => {
    if (location.hash.includes('token=')) location.reload();
  });
  return async () => {
    const token = takeToken(location, window.history, window.localStorage);
    if (token === null) throw new TokenMissing('this browser has no token');
    const address = new URL(`/bridge?profile=${encodeURIComponent(profile)}`, location.href);
    address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    return (await openWebSocketPort(new WebSocket(address), token)).port;
  };
}
