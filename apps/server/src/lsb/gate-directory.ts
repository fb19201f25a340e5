import type { ChannelKind, GateRecord, HostPort, NodeDirectory } from '../registry/contract.ts';
import type { GateCandidate } from './choose-gate.ts';

/** Where clients reach a gate. */
export interface GateAddress {
  readonly tcp: HostPort | null;
  /** ws:// or wss:// address. */
  readonly websocket: string | null;
}

/** What a directory knows of a gate: how many were sent there meanwhile is not its business. */
export type KnownGate = Omit<GateCandidate, 'reservations'>;

/** The gates there are. `address` may depend on the name under which the asking client reached us. */
export interface GateDirectory {
  gates(): readonly KnownGate[];
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
  /** With TLS on the gate's own ports. */
  secure?: boolean;
  appIds: readonly string[];
  channels: readonly ChannelKind[];
  load: () => { connections: number; capacity: number; accepting: boolean };
  /** False: the process starts or goes away. */
  accepting: () => boolean;
}

/** The one gate of an all-in-one server. Gray rules say nothing where there is no other gate. */
export function localGateDirectory(options: LocalGateOptions): GateDirectory {
  const { gateId, appIds, channels } = options;
  const listening = gateAddresses(options);
  return {
    gates() {
      const { connections, capacity, accepting } = options.load();
      const isOpen = accepting && options.accepting();
      return [{ gateId, connections, capacity, accepting: isOpen, appIds, channels, grayRules: [] }];
    },
    address: (asked, requestHost) => (asked === gateId ? reachableBy(listening, requestHost) : undefined),
  };
}

/** All gates of the registry, as they report themselves. */
export function clusterGateDirectory(directory: Pick<NodeDirectory, 'nodes'>): GateDirectory {
  return {
    gates: () => directory.nodes().filter(isGate).map(knownGate),
    address(gateId, requestHost) {
      const gate = directory.nodes().find((node): node is GateRecord => node.nodeId === gateId && isGate(node));
      return gate && reachableBy({ tcp: gate.tcp, websocket: gate.websocket }, requestHost);
    },
  };
}

/**
 * Where a gate says that clients reach it: what the operator advertises, else where it listens. One that listens on every
 * address says so, and whoever hands it out puts in the name by which the client came (`reachableBy`).
 */
export function gateAddresses(
  options: Pick<LocalGateOptions, 'host' | 'tcpPort' | 'wsPort' | 'advertise' | 'secure'>,
): GateAddress {
  const { host, tcpPort, wsPort, advertise } = options;
  const scheme = options.secure ? 'wss' : 'ws';
  return {
    // With TLS clients come by WebSocket: of what they speak over TCP only the port itself knows TLS.
    tcp: options.secure ? null : advertise.tcp ? splitAddress(advertise.tcp) : { host, port: tcpPort },
    websocket: advertise.ws || `${scheme}://${bracketed(host === '' ? '0.0.0.0' : host)}:${wsPort}`,
  };
}

function reachableBy({ tcp, websocket }: GateAddress, requestHost: string): GateAddress {
  return {
    // Listening everywhere, the name that the client used for the API is the one that works for it.
    tcp: tcp && isWildcard(tcp.host) ? { host: requestHost, port: tcp.port } : tcp,
    websocket: websocket?.replace(WILDCARD_URL, `$1//${bracketed(requestHost)}:`) ?? null,
  };
}

const WILDCARD_URL = /^(wss?:)\/\/(?:0\.0\.0\.0|\[::\]):/;

function isGate(node: { readonly role: string }): node is GateRecord {
  return node.role === 'gate';
}

function knownGate({ nodeId, connections, capacity, accepting, appIds, channels, grayRules }: GateRecord): KnownGate {
  return { gateId: nodeId, connections, capacity, accepting, appIds, channels, grayRules };
}

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '';
}

/** As it stands in a URL. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function splitAddress(address: string): HostPort {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(address.slice(colon + 1)) };
}
