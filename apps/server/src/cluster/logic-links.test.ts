import { CloseCode, closeAction } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import type { InterestChange, LogicPort, UplinkPacket } from './contract.ts';
import { LogicLinks } from './logic-links.ts';

const identity = { userId: 1n, deviceId: 'phone', sessionId: 2n, epoch: 1 };

function packet(connectionId: number, sequenceId = 0): UplinkPacket {
  return {
    connection: { gateId: 'gate-1', connectionId },
    identity,
    remoteAddress: '192.0.2.1',
    cmd: 16,
    msgType: 1,
    logId: 0,
    sequenceId,
    data: new Uint8Array(0),
  };
}

class RecordingNode implements LogicPort {
  readonly uplinks: UplinkPacket[] = [];
  readonly closed: number[] = [];
  readonly stale: bigint[] = [];
  readonly interests: InterestChange[] = [];
  uplink(each: UplinkPacket): void {
    this.uplinks.push(each);
  }
  connectionClosed({ connectionId }: { connectionId: number }): void {
    this.closed.push(connectionId);
  }
  interestStale(_gateId: string, conversationId: bigint): void {
    this.stale.push(conversationId);
  }
  interested(_gateId: string, change: InterestChange): void {
    this.interests.push(change);
  }
  get connections(): number[] {
    return [...new Set(this.uplinks.map(({ connection }) => connection.connectionId))];
  }
}

function setUp(...nodeIds: string[]) {
  const closes: Array<{ connectionId: number; code: number; retryAfterMs: number }> = [];
  const links = new LogicLinks({
    gateId: 'gate-1',
    close: (connectionId, { code, retryAfterMs }) => closes.push({ connectionId, code, retryAfterMs }),
  });
  const nodes = new Map(nodeIds.map((nodeId) => [nodeId, new RecordingNode()]));
  for (const [nodeId, node] of nodes) links.nodeCame(nodeId, node);
  return { links, nodes, closes, all: [...nodes.values()] };
}

const connections = Array.from({ length: 60 }, (_, index) => index + 1);

describe('a gate with several logic nodes', () => {
  it('gives each connection one node for its life, also when another node comes', () => {
    const { links, all } = setUp('a', 'b');
    for (const id of connections) links.uplink(packet(id, 0));
    const before = all.map((node) => node.connections);
    expect(before.every((share) => share.length > 10)).toBe(true);
    const late = new RecordingNode();
    links.nodeCame('c', late);
    for (const id of connections) links.uplink(packet(id, 1));
    expect(all.map((node) => node.connections)).toEqual(before);
    expect(late.uplinks).toEqual([]);
    for (let id = 100; id < 160; id += 1) links.uplink(packet(id));
    expect(late.connections.length).toBeGreaterThan(5);
  });

  it('tells the end of a connection to its own node only, once', () => {
    const { links, all } = setUp('a', 'b', 'c');
    for (const id of connections) links.uplink(packet(id));
    for (const id of connections) links.connectionClosed({ gateId: 'gate-1', connectionId: id }, identity);
    for (const node of all) expect(node.closed).toEqual(node.connections);
    links.connectionClosed({ gateId: 'gate-1', connectionId: 1 }, identity);
    expect(all.flatMap((node) => node.closed)).toHaveLength(connections.length);
  });

  it('closes the connections of a node that is gone, and gives nothing of them to another', () => {
    const { links, nodes, closes } = setUp('a', 'b');
    for (const id of connections) links.uplink(packet(id));
    const orphans = nodes.get('a')!.connections;
    const others = nodes.get('b')!.uplinks.length;
    links.nodeGone('a');
    expect(closes.map(({ connectionId }) => connectionId)).toEqual(orphans);
    expect(closes.every(({ code }) => code === CloseCode.nodeLost)).toBe(true);
    expect(closeAction(CloseCode.nodeLost)).toBe('reconnect');
    for (const id of orphans) links.uplink(packet(id, 1));
    expect(nodes.get('b')!.uplinks).toHaveLength(others);
    expect(nodes.get('a')!.uplinks).toHaveLength(orphans.length);
    for (const id of orphans) links.connectionClosed({ gateId: 'gate-1', connectionId: id }, identity);
    expect(nodes.get('b')!.closed).toEqual([]);
    links.nodeGone('a');
    expect(closes).toHaveLength(orphans.length);
  });

  it('takes a node that comes back for another one', () => {
    const { links, nodes, closes } = setUp('a');
    links.uplink(packet(1));
    const again = new RecordingNode();
    links.nodeCame('a', again);
    expect(closes.map(({ connectionId }) => connectionId)).toEqual([1]);
    links.uplink(packet(1, 1));
    links.uplink(packet(2));
    expect(again.connections).toEqual([2]);
    expect(nodes.get('a')!.uplinks).toHaveLength(1);
  });

  it('sends clients away for a while when there is no node', () => {
    const { links, closes } = setUp();
    links.uplink(packet(1));
    links.uplink(packet(1, 1));
    expect(closes).toEqual([{ connectionId: 1, code: CloseCode.internalError, retryAfterMs: 500 }]);
    expect(closeAction(CloseCode.internalError)).toBe('reconnect-later');
  });

  it('gives a node that leaves in order no new connections, and lets it keep those it has', () => {
    const { links, nodes, closes } = setUp('a', 'b');
    for (const id of connections) links.uplink(packet(id));
    const kept = nodes.get('a')!.connections;
    links.nodeLeaves('a');
    for (let id = 100; id < 160; id += 1) links.uplink(packet(id));
    expect(nodes.get('a')!.connections).toEqual(kept);
    for (const id of kept) links.uplink(packet(id, 1));
    expect(nodes.get('a')!.uplinks).toHaveLength(2 * kept.length);
    expect(closes).toEqual([]);
    links.nodeLeaves('b');
    links.uplink(packet(200));
    expect(nodes.get('a')!.connections.includes(200) || nodes.get('b')!.connections.includes(200)).toBe(true);
  });

  it('tells every node which groups are followed, and one that comes later all of it', () => {
    const { links, nodes } = setUp('a', 'b');
    const change = { on: [1n, 2n], off: [], whole: false };
    links.interested('gate-1', change);
    links.interested('gate-1', { on: [], off: [1n], whole: false });
    for (const node of nodes.values()) {
      expect(node.interests).toEqual([{ on: [], off: [], whole: true }, change, { on: [], off: [1n], whole: false }]);
    }
    const late = new RecordingNode();
    links.nodeCame('c', late);
    expect(late.interests).toEqual([{ on: [2n], off: [], whole: true }]);
    const many = Array.from({ length: 10_000 }, (_, index) => BigInt(index + 10));
    links.interested('gate-1', { on: many, off: [], whole: false });
    const later = new RecordingNode();
    links.nodeCame('d', later);
    expect(later.interests.flatMap(({ on }) => on)).toEqual([2n, ...many]);
    expect(later.interests.map(({ whole }) => whole)).toEqual([false, false, true]);
  });

  it('asks one node about a membership', () => {
    const { links, all } = setUp('a', 'b', 'c');
    links.interestStale('gate-1', 7n, [1n]);
    expect(all.flatMap((node) => node.stale)).toEqual([7n]);
    links.nodeGone('a');
    links.nodeGone('b');
    links.nodeGone('c');
    links.interestStale('gate-1', 7n, [1n]);
    expect(all.flatMap((node) => node.stale)).toEqual([7n]);
  });
});
