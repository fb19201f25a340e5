import type { AddressInfo, Server } from 'node:net';
import { LISTEN_BACKLOG } from './gate-limits.ts';

/** Listens and returns the port (the one chosen, for port 0). Rejects with an error that says what could not be had. */
export function listen(server: Server, host: string, port: number, what: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(listenError(error, host, port, what));
    server.once('error', failed);
    server.listen({ host, port, backlog: LISTEN_BACKLOG }, () => {
      server.off('error', failed);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number, what: string): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'the port is in use by another process',
    EACCES: 'this process may not use the port',
    EADDRNOTAVAIL: 'this machine does not have the address',
    ENOTFOUND: 'the host name is unknown',
  };
  const reason = reasons[error.code ?? ''] ?? error.message;
  return new Error(`Cannot listen for ${what} on ${host} port ${port}: ${reason} (${error.code ?? 'no code'})`, {
    cause: error,
  });
}

/** Resolves when the server has no connection left; at once when it does not listen. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
