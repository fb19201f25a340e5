/**
 * A BridgeClient that outlives its port: when the engine's process or the page's channel goes, it opens a new one,
 * after a growing and jittered delay, for as long as it takes. Calls in between reject at once (`lost`): what the user
 * did is shown as not done, never queued in a page. Subscriptions stay; after each 'open' the UI reads its state anew,
 * since events were missed.
 */
import { type BridgeClient, type BridgeClientOptions, connectBridge, engineLost } from './bridge-client.ts';
import type { BridgeEventName, BridgePort } from './contract.ts';

export type BridgeState =
  | { state: 'connecting' }
  | { state: 'open' }
  /** Tries again at `retryAtMs` (the clock's). */
  | { state: 'lost'; retryAtMs: number; error: Error }
  /** Wrong token, bad profile: only `retry` tries again. */
  | { state: 'refused'; error: Error };

export interface ReconnectingBridge extends BridgeClient {
  readonly state: BridgeState;
  /** Called with the present state at once, then with every change. Returns the function that ends it. */
  onState(listener: (state: BridgeState) => void): () => void;
  /** Tries now, whatever the delay: the user pressed Retry, or the page became visible. */
  retry(): void;
}

export interface ReconnectingOptions extends BridgeClientOptions {
  clock: { now(): number; setTimer(delayMs: number, callback: () => void): () => void };
  /** Uniform over [0, 1). */
  random: () => number;
  baseDelayMs?: number;
  maxDelayMs?: number;
}

/** Errors of `openPort` with `final: true` (BridgeRefused) end the trying. */
export function reconnectingBridge(
  openPort: () => Promise<BridgePort>,
  options: ReconnectingOptions,
): ReconnectingBridge {
  const { clock, random, baseDelayMs = 200, maxDelayMs = 3000, onFault } = options;
  const subscriptions = new Map<BridgeEventName, Set<(payload: never) => void>>();
  const stateListeners = new Set<(state: BridgeState) => void>();
  const closeListeners = new Set<() => void>();
  let state: BridgeState = { state: 'connecting' };
  let client: BridgeClient | undefined;
  let attempt = 0;
  let opening = false;
  let cancelTimer: (() => void) | undefined;
  let closed = false;

  const guarded = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      onFault?.(error);
    }
  };

  const setState = (next: BridgeState): void => {
    state = next;
    for (const listener of [...stateListeners]) guarded(() => listener(next));
  };

  const open = (): void => {
    if (closed || opening || client) return;
    cancelTimer?.();
    cancelTimer = undefined;
    opening = true;
    setState({ state: 'connecting' });
    openPort().then(
      (port) => {
        opening = false;
        if (closed) port.close();
        else attach(port);
      },
      (error: unknown) => {
        opening = false;
        if (!closed) failed(error instanceof Error ? error : new Error(String(error)));
      },
    );
  };

  const attach = (port: BridgePort): void => {
    attempt = 0;
    const connected = connectBridge(port, options);
    client = connected;
    for (const event of subscriptions.keys()) forward(connected, event);
    setState({ state: 'open' });
    connected.onClose(() => {
      client = undefined;
      if (!closed) failed(new Error('the engine was lost'));
    });
  };

  const failed = (error: Error): void => {
    if ('final' in error && error.final === true) {
      setState({ state: 'refused', error });
      return;
    }
    // Half of the delay is fixed: a random 0 would make a busy loop of a port that closes at once.
    const ceiling = Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(attempt, 20));
    attempt += 1;
    const delay = Math.ceil(ceiling / 2 + (ceiling / 2) * random());
    cancelTimer = clock.setTimer(delay, open);
    setState({ state: 'lost', retryAtMs: clock.now() + delay, error });
  };

  /** One subscription a client and event, whatever the number of listeners. */
  const forward = (connected: BridgeClient, event: BridgeEventName): void => {
    connected.on(event, (payload) => {
      for (const listener of [...(subscriptions.get(event) ?? [])]) guarded(() => listener(payload as never));
    });
  };

  open();

  return {
    call: (command, params) => client?.call(command, params) ?? Promise.reject(engineLost(command)),
    on(event, listener) {
      let set = subscriptions.get(event);
      if (!set) {
        set = new Set();
        subscriptions.set(event, set);
        if (client) forward(client, event);
      }
      const entry = (payload: never) => listener(payload);
      set.add(entry);
      return () => {
        set.delete(entry);
      };
    },
    onClose(listener) {
      if (closed) guarded(listener);
      else closeListeners.add(listener);
      return () => {
        closeListeners.delete(listener);
      };
    },
    onState(listener) {
      stateListeners.add(listener);
      guarded(() => listener(state));
      return () => {
        stateListeners.delete(listener);
      };
    },
    retry() {
      attempt = 0;
      open();
    },
    get state() {
      return state;
    },
    get closed() {
      return closed;
    },
    close() {
      if (closed) return;
      closed = true;
      cancelTimer?.();
      client?.close();
      for (const listener of closeListeners) guarded(listener);
      closeListeners.clear();
      stateListeners.clear();
      subscriptions.clear();
    },
  };
}
