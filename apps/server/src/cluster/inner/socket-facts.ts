import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

const BINDING_BYTES = 32;

/** What both ends of one TLS connection, and nobody else, know of it; empty without TLS. Only after its handshake. */
export function channelBinding(socket: Socket): Uint8Array {
  if (!(socket instanceof TLSSocket)) return new Uint8Array(0);
  return socket.exportKeyingMaterial(BINDING_BYTES, 'EXPORTER-fastim-inner-link', Buffer.alloc(0));
}

export function addressOf(socket: Socket): string {
  const host = socket.remoteAddress ?? '?';
  return host.includes(':') ? `[${host}]:${socket.remotePort}` : `${host}:${socket.remotePort}`;
}
