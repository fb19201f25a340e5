import { CloseCode } from '@fastim/protocol';
import type { ConnectionRef, GatePort, Identity, InterestChange, LogicPort, UplinkPacket } from './contract.ts';
import { rendezvous } from './rendezvous.ts';

/** A client that finds no logic node tries again after this, and more. */
const NO_NODE_RETRY_MS = 500;
/** Groups named to a node in one packet. */
const INTEREST_CHUNK = 4_096;

/**
 * A gate's several logic nodes as the one it talks to. A connection belongs to one node, chosen at its first packet, for
 * its life: two packets of one sender never take two ways, so none can overtake the other. When the node goes, its
 * connections are closed with "reconnect", and what they still send is dropped; nothing of them goes to another node.
 */
export class LogicLinks implements LogicPort {
  readonly #nodes = new Map<string, LogicPort>();
  /** Of `nodes`: no new connection is given to them. */
  readonly #leaving = new Set<string>();
  readonly #homes = new Map<number, string>();
  /** Groups with followers at this gate: what a node that comes is told. */
  readonly #followed = new Set<bigint>();
  readonly #gateId: string;
  readonly #close: GatePort['close'];

  /** `gate`: the one whose nodes these are. */
  constructor(gate: Pick<GatePort, 'gateId' | 'close'>) {
    this.#gateId = gate.gateId;
    this.#close = (connectionId, close) => gate.close(connectionId, close);
  }

  /** From now on the node gets a share of the new connections. Under the same id again: the node died and came back. */
  nodeCame(nodeId: string, node: LogicPort): void {
    if (this.#nodes.has(nodeId)) this.nodeGone(nodeId);
    this.#nodes.set(nodeId, node);
    // Also when there are none: from then on the node sends only what somebody here follows.
    const followed = [...this.#followed];
    for (let from = 0; from === 0 || from < followed.length; from += INTEREST_CHUNK) {
      const on = followed.slice(from, from + INTEREST_CHUNK);
      node.interested(this.#gateId, { on, off: [], whole: from + INTEREST_CHUNK >= followed.length });
    }
  }

  /** The node goes away in order: it keeps the connections it has, and gets no new ones unless there is no other. */
  nodeLeaves(nodeId: string): void {
    if (this.#nodes.has(nodeId)) this.#leaving.add(nodeId);
  }

  nodeGone(nodeId: string): void {
    if (!this.#nodes.delete(nodeId)) return;
    this.#leaving.delete(nodeId);
    // The homes stay until the gate says that the connections are gone: what comes meanwhile is dropped.
    for (const [connectionId, home] of this.#homes) {
      if (home !== nodeId) continue;
      this.#homes.set(connectionId, GONE);
      this.#close(connectionId, { code: CloseCode.nodeLost, reason: 'its logic node is gone', retryAfterMs: 0 });
    }
  }

  uplink(packet: UplinkPacket): void {
    const { connectionId, gateId } = packet.connection;
    let home = this.#homes.get(connectionId);
    if (home === undefined) {
      home = this.#choose(`${gateId}/${connectionId}`) ?? GONE;
      this.#homes.set(connectionId, home);
      if (home === GONE) {
        const close = { code: CloseCode.internalError, reason: 'no logic node', retryAfterMs: NO_NODE_RETRY_MS };
        this.#close(connectionId, close);
      }
    }
    this.#nodes.get(home)?.uplink(packet);
  }

  connectionClosed(connection: ConnectionRef, identity: Identity | undefined): void {
    const home = this.#homes.get(connection.connectionId);
    this.#homes.delete(connection.connectionId);
    if (home !== undefined) this.#nodes.get(home)?.connectionClosed(connection, identity);
  }

  /** Any node can answer; without one the question is asked again with a later packet. */
  interestStale(gateId: string, conversationId: bigint, userIds: readonly bigint[]): void {
    const home = this.#choose(String(conversationId));
    if (home !== undefined) this.#nodes.get(home)?.interestStale(gateId, conversationId, userIds);
  }

  interested(gateId: string, change: InterestChange): void {
    for (const conversationId of change.on) this.#followed.add(conversationId);
    for (const conversationId of change.off) this.#followed.delete(conversationId);
    for (const node of this.#nodes.values()) node.interested(gateId, change);
  }

  congested(connection: ConnectionRef): boolean {
    const home = this.#homes.get(connection.connectionId);
    return (home !== undefined && this.#nodes.get(home)?.congested?.(connection)) ?? false;
  }

  #choose(key: string): string | undefined {
    const staying = [...this.#nodes.keys()].filter((nodeId) => !this.#leaving.has(nodeId));
    return rendezvous(key, staying.length > 0 ? staying : this.#nodes.keys());
  }
}

/** No node has this id. */
const GONE = '';
