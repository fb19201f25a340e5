import type { Transport } from './client-socket.ts';
import type { Connection } from './connection.ts';

/** A connection as the operator sees it. */
export interface ConnectionInfo {
  readonly connectionId: number;
  /** Null: not logged in. */
  readonly userId: string | null;
  readonly deviceId: string | null;
  readonly transport: Transport;
  readonly remoteAddress: string;
  readonly state: string;
  readonly sinceMs: number;
  /** Bytes for the client that are not sent. */
  readonly queuedBytes: number;
}

/** `sinceMs`: when it was accepted, on the clock of the machine. */
export function connectionInfo(connection: Connection, sinceMs: number): ConnectionInfo {
  const { id, identity, transport, remoteAddress, state, unsent } = connection;
  return {
    connectionId: id,
    userId: identity?.userId.toString() ?? null,
    deviceId: identity?.deviceId ?? null,
    transport,
    remoteAddress,
    state,
    sinceMs,
    queuedBytes: unsent,
  };
}
