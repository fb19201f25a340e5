import { HttpFailure } from '../../../apps/desktop/src/engine/http-failure.ts';
import type { HttpPort, HttpRequest, HttpResponse } from '../../../apps/desktop/src/engine/ports.ts';
import type { Life } from './machine.ts';
import type { Network } from './network.ts';

/** What answers HTTP requests; it may be between two lives. */
export interface HttpServer {
  readonly life: Life | undefined;
  take(request: HttpRequest, address: string): Promise<HttpResponse>;
}

export interface HttpFaults {
  /** The request arrives twice, as from a proxy that tries again. */
  doubles: number;
  losesAnswer: number;
}

/** A request goes there and its answer comes back, in their time, or do not. */
export function simulatedHttp(parts: {
  network: Network;
  client: Life;
  server: HttpServer;
  faults: HttpFaults;
  tap: (what: 'request' | 'answer', path: string, status: number) => void;
}): HttpPort {
  const { network, client, server, faults, tap } = parts;
  return {
    request: (request) =>
      new Promise((resolve, reject) => {
        const path = request.url.replace(/^https?:\/\/[^/]+/, '');
        let over = false;
        const cancel = client.after(request.timeoutMs, () =>
          end(() => reject(new HttpFailure('timeout', 'no answer'))),
        );
        const end = (run: () => void) => {
          if (over) return;
          over = true;
          cancel();
          run();
        };
        const fail = () => end(() => reject(new HttpFailure('address', 'the connection broke')));
        const { life } = server;
        if (!life?.alive || !network.reachable(client.machine, life.machine)) {
          // Refused at once where the machine can say so; else nobody says anything.
          if (life && !life.alive) client.after(2, fail);
          return;
        }
        const latency = () => network.latency(client.machine, life.machine);
        const arrive = (counts: boolean) => {
          tap('request', path, 0);
          server.take(request, client.machine.name).then((response) => {
            if (!counts || network.chance.happens(faults.losesAnswer)) return;
            if (!network.reachable(client.machine, life.machine)) return;
            client.after(latency(), () => {
              tap('answer', path, response.status);
              end(() => resolve(response));
            });
          });
        };
        life.after(latency(), () => arrive(true));
        if (network.chance.happens(faults.doubles)) life.after(latency() + 50, () => arrive(false));
      }),
  };
}
