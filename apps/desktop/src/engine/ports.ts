/**
 * What the engine needs from the platform it runs on. The engine has no socket, no file, no timer and no randomness of
 * its own: the Node platform, the simulator and later a browser hand these in.
 */
export type { Clock, Random } from '@fastim/core';
export type { Store } from './store.ts';

/** Structured logging; a pino logger fits. Never given message text, passwords or tokens. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type GateAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'websocket'; readonly url: string };

export interface TransportClose {
  /** The WebSocket close code, or 0 where the channel has none. */
  readonly code: number;
  readonly reason: string;
}

/** `opened` at most once and before any `data`; `closed` at most once and last. Nothing after our own `close()`. */
export interface TransportEvents {
  opened(): void;
  /** Bytes as they came; frames may be cut anywhere. Not reused by the transport. */
  data(bytes: Uint8Array): void;
  closed(close: TransportClose): void;
}

export interface TransportConnection {
  /** Bytes go out in order; ignored once closed. */
  send(bytes: Uint8Array): void;
  close(): void;
}

/** Byte channels to a gate. `connect` never throws: what goes wrong is said by `closed`, never before it returns. */
export interface Transport {
  /** The kinds of address it can reach, the preferred first. */
  readonly kinds: ReadonlyArray<GateAddress['kind']>;
  connect(address: GateAddress, events: TransportEvents): TransportConnection;
}

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string | undefined;
  /** For the whole exchange, the body included. */
  readonly timeoutMs: number;
  /** A longer answer is refused. */
  readonly maxBytes: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly body: string;
}

/** Rejects with an HttpFailure when no whole answer arrived. */
export interface HttpPort {
  request(request: HttpRequest): Promise<HttpResponse>;
}
