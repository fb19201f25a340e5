import { CloseCode } from '@fastim/protocol';
import type { ConnectionRef, GatePort, Identity, LogicPort, UplinkPacket } from './contract.ts';
import { rendezvous } from './rendezvous.ts';

/** A client that finds no logic node tries again after this, and more. */
const NO_NODE_RETRY_MS = 500;

/**
 * A gate's several logic nodes as the one it talks to. A connection belongs to one node, chosen at its first packet, for
 * its life: two packets of one sender never take two ways, so none can overtake the other. When the node goes, its
 * connections are closed with "reconnect", and what they still send is dropped; nothing of them goes to another node.
 */
export class LogicLinks implements LogicPort {
  readonly #nodes = new Map<string, LogicPort>();
  readonly #homes = new Map<number, string>();
  readonly #close: GatePort['close'];

  /** `close`: the gate's. */
  constructor(close: GatePort['close']) {
    this.#close = close;
  }

  /** From now on the node gets a share of the new connections. Under the same id again: the node died and came back. */
  nodeCame(nodeId: string, node: LogicPort): void {
    if (this.#nodes.has(nodeId)) this.nodeGone(nodeId);
    this.#nodes.set(nodeId, node);
  }

  nodeGone(nodeId: string): void {
    if (!this.#nodes.delete(nodeId)) return;
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
      home = rendezvous(`${gateId}/${connectionId}`, this.#nodes.keys()) ?? GONE;
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
    const home = rendezvous(String(conversationId), this.#nodes.keys());
    if (home !== undefined) this.#nodes.get(home)?.interestStale(gateId, conversationId, userIds);
  }
}

/** No node has this id. */
const GONE = '';
