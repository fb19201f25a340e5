// Some of the clients of the storm; told what to do over the channel it was forked with.
import { Agent } from 'node:http';
import { StormClient, type StormClientOptions } from './storm-client.ts';

/** Sockets to the API nodes, over all clients of the process. */
const HTTP_SOCKETS = 64;
/** New clients a tick, so that preparing is no storm of its own. */
const STARTED_AT_A_TIME = 10;
const TICK_MS = 20;

export type StormOrder =
  | { readonly order: 'start'; readonly people: ReadonlyArray<Omit<StormClientOptions, 'agent'>> }
  | { readonly order: 'report' }
  | { readonly order: 'quiet' };

export interface StormReport {
  /** TCP port of its gate, 0 for none, of every client, in the order they were given. */
  readonly ports: readonly number[];
  /** When it was last thrown out and let in, ms since 1970. */
  readonly lostAt: readonly number[];
  readonly backAt: readonly number[];
  readonly tries: readonly number[];
  readonly unacked: number;
  readonly acked: ReadonlyArray<readonly string[]>;
}

const agent = new Agent({ keepAlive: true, maxSockets: HTTP_SOCKETS });
const clients: StormClient[] = [];

process.on('message', (message: StormOrder) => {
  switch (message.order) {
    case 'start': {
      for (const person of message.people) clients.push(new StormClient({ ...person, agent }));
      let next = 0;
      const timer = setInterval(() => {
        for (let count = 0; count < STARTED_AT_A_TIME; count += 1, next += 1) clients[next]?.start();
        if (next >= clients.length) clearInterval(timer);
      }, TICK_MS);
      break;
    }
    case 'quiet':
      for (const client of clients) client.quiet();
      break;
    case 'report':
      process.send!({
        ports: clients.map(({ port }) => port),
        lostAt: clients.map(({ lostAt }) => lostAt),
        backAt: clients.map(({ backAt }) => backAt),
        tries: clients.map(({ tries }) => tries),
        unacked: clients.reduce((sum, { unacked }) => sum + unacked, 0),
        acked: clients.map(({ acked }) => acked),
      } satisfies StormReport);
      break;
  }
});
process.on('disconnect', () => process.exit(0));
