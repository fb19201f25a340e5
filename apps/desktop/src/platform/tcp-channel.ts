import { createConnection } from 'node:net';
import type { GateAddress, TransportConnection, TransportEvents } from '../engine/ports.ts';

/** A plain TCP connection to a gate. */
export function connectTcp(
  address: Extract<GateAddress, { kind: 'tcp' }>,
  events: TransportEvents,
): TransportConnection {
  const socket = createConnection({ host: address.host, port: address.port, noDelay: true, keepAlive: true });
  let over = false;
  let failure = '';
  socket.on('connect', () => {
    if (!over) events.opened();
  });
  socket.on('data', (bytes) => {
    if (!over) events.data(bytes);
  });
  socket.on('error', (error) => {
    failure = error.message;
  });
  socket.on('end', () => socket.end());
  socket.on('close', () => {
    if (over) return;
    over = true;
    events.closed({ code: 0, reason: failure });
  });
  return {
    send: (bytes) => {
      if (!over && socket.writable) socket.write(bytes);
    },
    close: () => {
      if (over) return;
      over = true;
      // What was sent still goes out; a peer that does not take it must not keep the socket.
      socket.end();
      socket.setTimeout(2_000, () => socket.destroy());
    },
  };
}
