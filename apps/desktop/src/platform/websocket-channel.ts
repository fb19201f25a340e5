import { MAX_DATA_AFTER_LOGIN } from '@fastim/protocol';
import WebSocket from 'ws';
import type { GateAddress, TransportConnection, TransportEvents } from '../engine/ports.ts';

/** A WebSocket to a gate; each message holds whole frames. */
export function connectWebSocket(
  address: Extract<GateAddress, { kind: 'websocket' }>,
  events: TransportEvents,
): TransportConnection {
  let over = false;
  const end = (code: number, reason: string) => {
    if (over) return;
    over = true;
    events.closed({ code, reason });
  };
  let socket: WebSocket;
  try {
    // A message may hold many frames, so the bound is far above one frame's.
    socket = new WebSocket(address.url, { perMessageDeflate: false, maxPayload: 64 * MAX_DATA_AFTER_LOGIN });
  } catch (error) {
    // An address that is no URL: said later, as promised.
    setImmediate(() => end(0, error instanceof Error ? error.message : String(error)));
    return { send: () => undefined, close: () => (over = true) };
  }
  let failure = '';
  socket.on('open', () => {
    if (!over) events.opened();
  });
  socket.on('message', (data, isBinary) => {
    if (over || !isBinary) return;
    if (Array.isArray(data)) for (const part of data) events.data(part);
    else events.data(data instanceof ArrayBuffer ? new Uint8Array(data) : data);
  });
  socket.on('error', (error) => {
    failure = error.message;
  });
  // 1006 and the like are the channel's own; only codes that the server chose mean something.
  socket.on('close', (code, reason) => end(code >= 4_000 ? code : 0, failure || reason.toString()));
  return {
    send: (bytes) => {
      if (!over && socket.readyState === WebSocket.OPEN) socket.send(bytes);
    },
    close: () => {
      if (over) return;
      over = true;
      socket.close(1000);
      setTimeout(() => socket.terminate(), 2_000).unref();
    },
  };
}
