import type { Clock } from '@fastim/core';
import { encodeFrames, type Frame, FrameDecoder, MAX_DATA_AFTER_LOGIN, type OutgoingFrame } from '@fastim/protocol';
import { HttpFailure, type HttpFault } from '../http-failure.ts';
import type { GateAddress, HttpPort, HttpRequest, HttpResponse, Transport, TransportEvents } from '../ports.ts';

export interface FrameInTransit {
  /** up: client → server. */
  readonly direction: 'up' | 'down';
  readonly cmd: number;
  readonly msgType: number;
}

/** What the network does to a frame. A delay lets later frames overtake it. */
export type Fate = 'deliver' | 'lose' | 'double' | { delayMs: number };
/** What the network does to an HTTP exchange. */
export type HttpFate = 'deliver' | 'lose-request' | 'lose-answer';

/** The server's end of one connection. */
export interface ServerEnd {
  send(frame: OutgoingFrame): void;
  close(code: number): void;
  readonly open: boolean;
}

export interface ServerSide {
  connected(end: ServerEnd): { frame(frame: Frame): void; closed(): void };
  http(request: HttpRequest): HttpResponse;
}

/**
 * A network in memory, on the clock of the test: every frame takes `latencyMs`, in order, unless `fate` says otherwise.
 */
export class FakeNetwork {
  readonly #clock: Clock;
  readonly #server: ServerSide;
  latencyMs = 5;
  /** Nobody can be reached. */
  down = false;
  /** Hosts of gates that nobody can reach. */
  readonly unreachable = new Set<string>();
  fate: (frame: FrameInTransit) => Fate = () => 'deliver';
  httpFate: (request: HttpRequest) => HttpFate = () => 'deliver';
  /** What HTTP says when there is no answer. */
  httpFault: HttpFault = 'address';
  /** Every request that reached the server, for the tests to look at. */
  readonly requests: HttpRequest[] = [];
  readonly #cuts = new Set<(code: number) => void>();

  constructor(clock: Clock, server: ServerSide) {
    this.#clock = clock;
    this.#server = server;
  }

  get connections(): number {
    return this.#cuts.size;
  }

  /** All connections break, as when the server dies. */
  cutAll(): void {
    for (const cut of [...this.#cuts]) cut(0);
  }

  /** One machine's way into the network. `crash` is its process dying: it sends and hears nothing more. */
  machine(): { transport: Transport; http: HttpPort; crash(): void } {
    const alive = { value: true };
    const breaks = new Set<() => void>();
    return {
      crash: () => {
        alive.value = false;
        for (const disconnect of [...breaks]) disconnect();
      },
      transport: {
        kinds: ['tcp'],
        connect: (address, events) => this.#connect(address, events, alive, breaks),
      },
      http: { request: (request) => this.#http(request, alive) },
    };
  }

  #connect(address: GateAddress, events: TransportEvents, alive: { value: boolean }, breaks: Set<() => void>) {
    let clientOpen = true;
    let serverOpen = false;
    let server: { frame(frame: Frame): void; closed(): void } | undefined;
    const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
    const later = (delayMs: number, run: () => void) => {
      this.#clock.setTimer(delayMs, run);
    };
    const endClient = (code: number) => {
      if (!clientOpen) return;
      clientOpen = false;
      if (alive.value) events.closed({ code, reason: '' });
    };
    const endServer = () => {
      if (!serverOpen) return;
      serverOpen = false;
      this.#cuts.delete(cut);
      breaks.delete(endServer);
      server?.closed();
    };
    const cut = (code: number) => {
      endServer();
      later(0, () => endClient(code));
    };
    const end: ServerEnd = {
      send: (frame) => {
        if (!serverOpen) return;
        this.#carry({ direction: 'down', cmd: frame.cmd, msgType: frame.msgType }, () => {
          if (clientOpen && alive.value) events.data(encodeFrames([frame]));
        });
      },
      close: (code) => {
        endServer();
        later(this.latencyMs, () => endClient(code));
      },
      get open() {
        return serverOpen;
      },
    };
    later(this.latencyMs, () => {
      if (!clientOpen || !alive.value) return;
      if (this.down || (address.kind === 'tcp' && this.unreachable.has(address.host))) {
        endClient(0);
        return;
      }
      serverOpen = true;
      this.#cuts.add(cut);
      breaks.add(endServer);
      server = this.#server.connected(end);
      events.opened();
    });
    return {
      send: (bytes: Uint8Array) => {
        if (!clientOpen || !alive.value) return;
        for (const frame of decoder.push(bytes)) {
          this.#carry({ direction: 'up', cmd: frame.cmd, msgType: frame.msgType }, () => {
            if (serverOpen) server?.frame(frame);
          });
        }
      },
      close: () => {
        clientOpen = false;
        later(this.latencyMs, endServer);
      },
    };
  }

  #carry(frame: FrameInTransit, deliver: () => void): void {
    const fate = this.fate(frame);
    if (fate === 'lose') return;
    const extra = typeof fate === 'object' ? fate.delayMs : 0;
    this.#clock.setTimer(this.latencyMs + extra, deliver);
    if (fate === 'double') this.#clock.setTimer(this.latencyMs, deliver);
  }

  #http(request: HttpRequest, alive: { value: boolean }): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      const fail = () => reject(new HttpFailure(this.httpFault, 'network'));
      const fate = this.down ? 'lose-request' : this.httpFate(request);
      this.#clock.setTimer(this.latencyMs, () => {
        if (fate === 'lose-request' || this.down) {
          fail();
          return;
        }
        this.requests.push(request);
        const response = this.#server.http(request);
        this.#clock.setTimer(this.latencyMs, () => {
          if (!alive.value) return;
          if (fate === 'lose-answer') fail();
          else resolve(response);
        });
      });
    });
  }
}
