/**
 * The engine's side of one port: every message is checked (size, JSON, envelope, argument) before the client hears of
 * it, every request gets exactly one answer while the port is open, and every event goes to every port served.
 * It never throws at the port, whatever arrives.
 */
import { FastimError } from '@fastim/protocol';
import type { ClientApi, ClientEvents } from '../engine/client-api.ts';
import type { BridgeError, BridgeEventName, BridgeEvents, BridgeMessage, BridgePort } from './contract.ts';
import { type CheckedRequest, type RefusedRequest, readRequest } from './read-request.ts';
import { requestTable } from './request-table.ts';

export interface BridgeServerOptions {
  /** A pino logger fits. Arguments are never handed to it: they can be passwords or messages. */
  logger?: BridgeLogger;
  /** Requests of this port at work at one time; more are answered OVERLOADED. */
  maxInFlight?: number;
}

export interface BridgeLogger {
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

export interface BridgeServer {
  /** Tells this UI alone. After the close it does nothing. */
  announce<E extends BridgeEventName>(event: E, payload: BridgeEvents[E]): void;
  /** Ends the subscription and closes the port; the client lives on. Idempotent. */
  close(): void;
}

export const DEFAULT_MAX_IN_FLIGHT = 64;
/** So many unreadable messages in a row end the port: no UI of ours sends one. */
export const MAX_UNREADABLE_IN_A_ROW = 20;

/** Each event of the client, and nothing else; the type refuses a missing name. */
const forwarded: { readonly [E in keyof ClientEvents]: true } = {
  connection: true,
  account: true,
  settings: true,
  conversations: true,
  messages: true,
  typing: true,
  presence: true,
  readers: true,
};

export function serveBridge(port: BridgePort, client: ClientApi, options: BridgeServerOptions = {}): BridgeServer {
  const { logger, maxInFlight = DEFAULT_MAX_IN_FLIGHT } = options;
  const inFlight = new Set<number>();
  let unreadable = 0;
  let closed = false;

  const send = (message: BridgeMessage): void => {
    if (closed) return;
    let text: string;
    try {
      text = JSON.stringify(message);
    } catch (error) {
      logger?.error({ err: error }, 'bridge: the engine said something that is not JSON');
      if (!('id' in message)) return;
      text = JSON.stringify({ id: message.id, error: toBridgeError(error) });
    }
    try {
      port.send(text);
    } catch (error) {
      logger?.warn({ err: error }, 'bridge: the port cannot send; closing it');
      close();
    }
  };

  const refuse = ({ id, reason, message }: RefusedRequest): void => {
    unreadable += 1;
    logger?.warn({ reason, detail: message }, 'bridge: request refused');
    // An answer under an id at work would be taken for that request's own.
    send({ id: inFlight.has(id) ? 0 : id, error: { reason, message, retryAfterMs: 0 } });
    if (unreadable >= MAX_UNREADABLE_IN_A_ROW) {
      logger?.warn({}, 'bridge: too many unreadable requests in a row; closing the port');
      close();
    }
  };

  const run = async (request: CheckedRequest): Promise<void> => {
    inFlight.add(request.id);
    try {
      const result = await call(client, request);
      send({ id: request.id, result: result ?? null });
    } catch (error) {
      if (!(error instanceof FastimError)) {
        logger?.error({ err: error, command: request.command }, 'bridge: the engine failed');
      }
      send({ id: request.id, error: toBridgeError(error) });
    } finally {
      inFlight.delete(request.id);
    }
  };

  const receive = (text: string): void => {
    if (closed) return;
    const read = readRequest(text);
    if ('refused' in read) {
      refuse(read.refused);
      return;
    }
    const { request } = read;
    unreadable = 0;
    if (inFlight.has(request.id)) {
      send({ id: 0, error: { reason: 'DUP_SEQ', message: `request ${request.id} is still at work`, retryAfterMs: 0 } });
      return;
    }
    if (inFlight.size >= maxInFlight) {
      const message = `more than ${maxInFlight} requests at work`;
      send({ id: request.id, error: { reason: 'OVERLOADED', message, retryAfterMs: 100 } });
      return;
    }
    void run(request);
  };

  const unsubscribe = (Object.keys(forwarded) as (keyof ClientEvents)[]).map((event) =>
    client.on(event, (payload) => send({ event, payload })),
  );

  function close(): void {
    if (closed) return;
    closed = true;
    for (const end of unsubscribe) end();
    port.close();
  }

  port.onClose(close);
  port.onMessage(receive);
  return { announce: (event, payload) => send({ event, payload }), close };
}

/** Async, so that a client method that throws at once still rejects. */
async function call(client: ClientApi, request: CheckedRequest): Promise<unknown> {
  // The table's type pairs each command with its own argument; the union of all pairs is beyond the type checker.
  const handler = requestTable[request.command] as (client: ClientApi, params: unknown) => Promise<unknown>;
  return handler(client, request.params);
}

function toBridgeError(error: unknown): BridgeError {
  if (error instanceof FastimError) {
    return { reason: error.reason, message: error.message, retryAfterMs: error.retryAfterMs };
  }
  return { reason: 'INTERNAL', message: error instanceof Error ? error.message : String(error), retryAfterMs: 0 };
}
