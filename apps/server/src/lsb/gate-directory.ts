import type { GateCandidate } from './choose-gate.ts';

/** Where clients reach a gate. */
export interface GateAddress {
  readonly tcp: { readonly host: string; readonly port: number } | null;
  /** ws:// or wss:// address. */
  readonly websocket: string | null;
}

/** The gates there are. `address` may depend on the name under which the asking client reached us. */
export interface GateDirectory {
  candidates(): readonly GateCandidate[];
  address(gateId: string, requestHost: string): GateAddress | undefined;
}

export interface LocalGateOptions {
  gateId: string;
  /** What the gate listens on. */
  host: string;
  tcpPort: number;
  wsPort: number;
  /** How clients reach it from outside; empty: where it listens. */
  advertise: { tcp: string; ws: string };
  load: () => { connections: number };
  accepting: () => boolean;
}

/** The one gate of an all-in-one server. */
export function localGateDirectory(options: LocalGateOptions): GateDirectory {
  return {
    candidates: () => [
      {
        gateId: options.gateId,
        connections: options.load().connections,
        reservations: 0,
        accepting: options.accepting(),
      },
    ],
    address(gateId, requestHost) {
      if (gateId !== options.gateId) return undefined;
      // Listening everywhere, the name that the client used for the API is the one that works for it.
      const host = isWildcard(options.host) ? requestHost : options.host;
      return {
        tcp: options.advertise.tcp ? splitAddress(options.advertise.tcp) : { host, port: options.tcpPort },
        websocket: options.advertise.ws || `ws://${bracketed(host)}:${options.wsPort}`,
      };
    },
  };
}

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '';
}

/** As it stands in a URL. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function splitAddress(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)) };
}
