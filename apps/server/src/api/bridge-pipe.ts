import type { IncomingMessage, Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '../observe/logger.ts';
import { isLoopback, isSameOrigin } from './request-guards.ts';

export interface BridgePipe {
  /** Ends the piped connections; new ones are refused. Idempotent. */
  stop(): void;
}

const MAX_PIPES = 200;

/**
 * Hands WebSocket upgrades at /bridge to the host of the browser app on this machine, byte for byte; that host checks
 * its own token. Only from this machine, and only for pages that this server gave out: a foreign site that points its
 * page at us names itself in Origin or Host.
 */
export function pipeBridge(server: Server, options: { bridgePort: number; logger: Logger }): BridgePipe {
  const pipes = new Set<Duplex>();
  let stopped = false;

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const status = refusalStatus(request);
    if (status !== undefined || stopped || pipes.size >= MAX_PIPES) {
      refuse(socket, status ?? '503 Service Unavailable');
      return;
    }
    const host = connect({ port: options.bridgePort, host: '127.0.0.1' });
    pipes.add(socket);
    let connected = false;
    host.on('connect', () => {
      connected = true;
      host.write(requestHead(request));
      if (head.length > 0) host.write(head);
      socket.pipe(host).pipe(socket);
    });
    host.on('error', (error) => {
      if (connected) socket.destroy();
      else {
        options.logger.warn({ err: error }, 'the host of the browser app does not answer');
        refuse(socket, '502 Bad Gateway');
      }
    });
    host.on('close', () => socket.destroy());
    socket.on('close', () => {
      pipes.delete(socket);
      host.destroy();
    });
  });

  return {
    stop() {
      stopped = true;
      for (const socket of pipes) socket.destroy();
    },
  };
}

function refusalStatus(request: IncomingMessage): string | undefined {
  if (request.url?.split('?', 1)[0] !== '/bridge') return '404 Not Found';
  const { host = '', origin } = request.headers;
  const peer = (request.socket as Socket).remoteAddress?.replace(/^::ffff:/i, '') ?? '';
  const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
  if (!isLoopback(peer) || !isLoopback(name)) return '403 Forbidden';
  // Browsers always say where a WebSocket comes from; other programs need not.
  if (origin !== undefined && !isSameOrigin(origin, host)) return '403 Forbidden';
  return undefined;
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

/** The request as it came, header names and order included. */
function requestHead(request: IncomingMessage): string {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    lines.push(`${request.rawHeaders[index]}: ${request.rawHeaders[index + 1]}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n`;
}
