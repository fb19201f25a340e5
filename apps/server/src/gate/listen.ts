import type { AddressInfo, Server } from 'node:net';
import type { Logger } from 'pino';
import { LISTEN_BACKLOG } from './gate-limits.ts';

/** A port that is opened and closed, again if need be. Closing twice is closing once. */
export class ListeningPort {
  #server: Server | undefined;
  #closed: Promise<void> = Promise.resolve();

  /** Resolves with the port (the one chosen, for port 0); rejects with an error that says what could not be had. */
  async open(server: Server, at: { host: string; port: number; logger: Logger }, what: string): Promise<number> {
    const bound = await listen(server, at.host, at.port, what);
    server.on('error', (error) => at.logger.error({ err: error }, `the listener for ${what} failed`));
    this.#server = server;
    return bound;
  }

  /** No new connections; those there are stay. */
  stopAccepting(): void {
    if (!this.#server) return;
    this.#closed = closeServer(this.#server);
    this.#server = undefined;
  }

  /** Resolves when accepting has stopped and the last connection is gone. */
  get closed(): Promise<void> {
    return this.#closed;
  }
}

function listen(server: Server, host: string, port: number, what: string): Promise<number> {
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

/** Resolves when the server has no connection left. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
