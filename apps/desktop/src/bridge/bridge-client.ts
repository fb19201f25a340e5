/** The UI's side of a port: typed calls and events. Of the contract it knows the types only: a page holds no schemas. */
import type {
  BridgeEventName,
  BridgeEvents,
  BridgePort,
  CommandName,
  CommandParams,
  CommandResult,
} from './contract.ts';
import { isLongerThan, MAX_BRIDGE_MESSAGE } from './message-size.ts';

export interface BridgeClient {
  /** Rejects with a BridgeFailure and nothing else. Calls reach the engine in the order in which they were made. */
  call<N extends CommandName>(command: N, params: CommandParams<N>): Promise<CommandResult<N>>;
  /** Returns the function that ends the subscription. */
  on<E extends BridgeEventName>(event: E, listener: (payload: BridgeEvents[E]) => void): () => void;
  /** Called once when the port closes, from either side; at once if it is closed already. */
  onClose(listener: () => void): () => void;
  readonly closed: boolean;
  /** Rejects what is pending. Idempotent. */
  close(): void;
}

/** Why a call was not done. */
export class BridgeFailure extends Error {
  /** A name of the error catalogue. */
  readonly reason: string;
  readonly retryAfterMs: number;
  /** The bridge broke before the answer came: whether the call was done is not known. */
  readonly lost: boolean;

  constructor(reason: string, message: string, options: { retryAfterMs?: number; lost?: boolean } = {}) {
    super(message);
    this.name = 'BridgeFailure';
    this.reason = reason;
    this.retryAfterMs = options.retryAfterMs ?? 0;
    this.lost = options.lost ?? false;
  }
}

export interface BridgeClientOptions {
  /** Calls on their way at one time; more wait here, in order. Below the bound of the server. */
  maxInFlight?: number;
  /** Calls that may wait; more reject with OVERLOADED. */
  maxWaiting?: number;
  /** A listener that threw, or a message that does not follow the contract: worth a line in the console. */
  onFault?: (error: unknown) => void;
}

interface Call {
  readonly command: CommandName;
  readonly text: string;
  readonly id: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (failure: BridgeFailure) => void;
}

export function connectBridge(port: BridgePort, options: BridgeClientOptions = {}): BridgeClient {
  const { maxInFlight = 32, maxWaiting = 1000, onFault } = options;
  const pending = new Map<number, Call>();
  const waiting: Call[] = [];
  const listeners = new Map<string, Set<(payload: unknown) => void>>();
  const closeListeners = new Set<() => void>();
  let nextId = 1;
  let closed = false;

  const guarded = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      onFault?.(error);
    }
  };

  const pump = (): void => {
    while (!closed && pending.size < maxInFlight) {
      const next = waiting.shift();
      if (!next) return;
      pending.set(next.id, next);
      try {
        port.send(next.text);
      } catch (error) {
        onFault?.(error);
        close();
      }
    }
  };

  const receive = (text: string): void => {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch (error) {
      onFault?.(error);
      return;
    }
    if (!isRecord(message)) {
      onFault?.(new Error('bridge: a message that is not an object'));
    } else if (typeof message.event === 'string') {
      for (const listener of [...(listeners.get(message.event) ?? [])]) guarded(() => listener(message.payload));
    } else if (typeof message.id === 'number') {
      settle(message.id, message);
    } else {
      onFault?.(new Error('bridge: a message that is neither an answer nor an event'));
    }
  };

  const settle = (id: number, answer: Record<string, unknown>): void => {
    const call = pending.get(id);
    if (!call) {
      onFault?.(new Error(`bridge: an answer to no call: ${JSON.stringify(answer.error ?? null)}`));
      return;
    }
    pending.delete(id);
    if (isRecord(answer.error)) {
      const { reason, message, retryAfterMs } = answer.error;
      const delay = typeof retryAfterMs === 'number' ? retryAfterMs : 0;
      call.reject(new BridgeFailure(String(reason), String(message), { retryAfterMs: delay }));
    } else {
      call.resolve(answer.result);
    }
    pump();
  };

  function close(): void {
    if (closed) return;
    closed = true;
    port.close();
    const lost = [...pending.values(), ...waiting.splice(0)];
    pending.clear();
    for (const call of lost) call.reject(engineLost(call.command));
    for (const listener of closeListeners) guarded(listener);
    closeListeners.clear();
    listeners.clear();
  }

  port.onClose(close);
  port.onMessage(receive);

  return {
    call<N extends CommandName>(command: N, params: CommandParams<N>): Promise<CommandResult<N>> {
      return new Promise((resolve, reject) => {
        if (closed) {
          reject(engineLost(command));
          return;
        }
        const id = nextId++;
        let text: string;
        try {
          text = JSON.stringify({ id, command, params });
        } catch (error) {
          reject(new BridgeFailure('BAD_REQUEST', `${command}: the argument is not JSON: ${error}`));
          return;
        }
        if (isLongerThan(text, MAX_BRIDGE_MESSAGE)) {
          reject(new BridgeFailure('FRAME_TOO_LARGE', `${command}: more than ${MAX_BRIDGE_MESSAGE} bytes`));
          return;
        }
        if (waiting.length >= maxWaiting) {
          reject(
            new BridgeFailure('OVERLOADED', `${command}: ${maxWaiting} calls are waiting`, { retryAfterMs: 1000 }),
          );
          return;
        }
        waiting.push({ id, command, text, reject, resolve: (result) => resolve(result as CommandResult<N>) });
        pump();
      });
    },
    on(event, listener) {
      const set = listeners.get(event) ?? new Set();
      listeners.set(event, set);
      const entry = (payload: unknown) => listener(payload as Parameters<typeof listener>[0]);
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
    get closed() {
      return closed;
    },
    close,
  };
}

export function engineLost(command: string): BridgeFailure {
  return new BridgeFailure('UNAVAILABLE', `${command}: the engine was lost`, { lost: true });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
