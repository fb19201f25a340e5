import { MessageKind } from '@fastim/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import { GatedStorage } from '../../logic/testing/gated-storage.ts';
import type { AppendOutcome, AppendRequest } from '../../storage/message-store.ts';
import { StorageError } from '../../storage/storage.ts';
import { rendezvous } from '../rendezvous.ts';
import { acceptPeers } from './accept-peers.ts';
import { AppendTogether } from './append-together.ts';
import type { InnerListener, OwnerAppends, PeerLinks } from './contract.ts';
import { createInnerListener } from './inner-listener.ts';
import { ownerAppends } from './owner-appends.ts';
import { createPeerLinks } from './peer-links.ts';
import { logicSelf, metricOf, record, TestDirectory, type TestNode, testNode, until } from './testing/inner-world.ts';
import { LinkProxy } from './testing/link-proxy.ts';

interface Node {
  readonly id: string;
  readonly world: TestNode;
  /** The node's own way to the one store, with what went through it. */
  readonly store: GatedStorage;
  readonly appends: OwnerAppends;
  readonly peers: PeerLinks;
  readonly listener: InnerListener;
  readonly proxy: LinkProxy;
}

const NODES = ['logic-1', 'logic-2', 'logic-3'];
/** One of each owner. */
const conversations = NODES.map((owner) => {
  for (let id = 100n; ; id += 1n) if (rendezvous(String(id), NODES) === owner) return id;
});
const [own, second, third] = conversations as [bigint, bigint, bigint];

let nodes: Node[] = [];
const nodeOf = (index: number): Node => nodes[index]!;

afterEach(async () => {
  for (const { store } of nodes) store.release();
  for (const { peers, listener, proxy, appends } of nodes) {
    await Promise.all([peers.stop(), appends.stop()]);
    await listener.stop();
    await proxy.stop();
  }
  nodes = [];
});

/** Three logic nodes with one store behind them, each dialling the others. */
async function setUp(options: { timeoutMs?: number; issuer?: boolean } = {}): Promise<void> {
  const directory = new TestDirectory();
  const shared = new GatedStorage();
  for (const id of conversations) await shared.openDirect(1n, 1_000n + id, id, 0);
  for (const id of NODES) {
    const world = testNode(directory, logicSelf(id), { config: { linkSilenceMs: 400 } });
    const store = new GatedStorage();
    const pass = store.append.bind(store);
    store.append = async (batch) => {
      // What it holds back and fails with; the rows are the shared one's.
      await pass(batch);
      return shared.append(batch);
    };
    const peers = createPeerLinks(world.context);
    const appends = ownerAppends(world.context, {
      messages: store,
      peers,
      batchLimit: 512,
      timeoutMs: options.timeoutMs ?? 150,
      ...(options.issuer && { issuer: () => ({ number: NODES.indexOf(id), fence: 5n }) }),
    });
    const listener = createInnerListener(
      world.context,
      acceptPeers(world.context, { append: (batch) => appends.appendHere(batch) }),
    );
    const { proxy, inner } = await LinkProxy.start(await listener.start());
    directory.add(record(logicSelf(id), inner));
    nodes.push({ id, world, store, appends, peers, listener, proxy });
  }
  for (const { peers } of nodes) peers.start();
  await until('everybody is linked', () => nodes.every(({ peers }) => peers.linked.length === 2));
}

let made = 0;
function message(conversationId: bigint, senderId = 1n): AppendRequest {
  made += 1;
  const clientMsgId = Buffer.alloc(16);
  clientMsgId.writeUInt32BE(made);
  return {
    conversationId,
    senderId,
    clientMsgId,
    msgId: BigInt(made),
    kind: MessageKind.text,
    body: Buffer.from(`message ${made}`),
    serverTimeMs: made,
    action: { type: 'post', mentions: [], mentionAll: false, replySeq: 0 },
  };
}

const seqs = (outcomes: readonly AppendOutcome[]): unknown[] =>
  outcomes.map((outcome) => ('convSeq' in outcome ? [outcome.outcome, outcome.convSeq] : outcome.outcome));
const stored = (node: Node): number => node.store.batches.flat().length;
const forwards = (result: string): Promise<number> =>
  metricOf(nodeOf(0).world.registry, 'fastim_inner_forwards_total', { result });

describe('appends through the owners of conversations', () => {
  it('reach each owner in one packet, and come back in the order of the batch', async () => {
    await setUp();
    const batch = [own, second, third, second, own, second].map((id) => message(id));
    const stranger = message(second, 99n);
    const outcomes = await nodeOf(0).appends.append([...batch, stranger]);
    expect(seqs(outcomes)).toEqual([
      ['stored', 1],
      ['stored', 1],
      ['stored', 1],
      ['stored', 2],
      ['stored', 2],
      ['stored', 3],
      'refused',
    ]);
    expect(outcomes[3]).toMatchObject({ msgId: batch[3]!.msgId, memberIds: [1n, 1_000n + second], kind: 1 });
    expect(nodes.map((node) => node.store.batches.map((each) => each.length))).toEqual([[2], [4], [1]]);
    expect(await forwards('forwarded')).toBe(2);
    expect(await nodeOf(0).appends.append([])).toEqual([]);
  });

  it('are forwarded once: what came from another node is stored where it came to', async () => {
    await setUp();
    await nodeOf(0).appends.appendHere([message(second)]);
    expect(nodes.map(stored)).toEqual([1, 0, 0]);
  });

  it('say under which node number their ids were made, when they are forwarded', async () => {
    await setUp({ issuer: true });
    await nodeOf(0).appends.append([message(own), message(second)]);
    expect(nodeOf(0).store.batches[0]![0]).not.toHaveProperty('issuer');
    expect(nodeOf(1).store.batches[0]![0]).toMatchObject({ issuer: { number: 0, fence: 5n } });
  });

  it('are stored from here when the owner is slow, then not sent to it for a while; its late copy does no harm', async () => {
    await setUp();
    nodeOf(1).store.hold();
    const batch = [message(second), message(second)];
    expect(seqs(await nodeOf(0).appends.append(batch))).toEqual([
      ['stored', 1],
      ['stored', 2],
    ]);
    expect(await forwards('late')).toBe(1);
    await nodeOf(0).appends.append([message(second)]);
    expect([stored(nodeOf(0)), stored(nodeOf(1))]).toEqual([3, 2]);
    expect(await forwards('passed_by')).toBe(1);
    nodeOf(1).store.release();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(seqs(await nodeOf(2).appends.appendHere([message(second)]))).toEqual([['stored', 4]]);
  });

  it('are told as stored when the owner stored them and could not say so: somebody has to hear of them', async () => {
    await setUp();
    const old = message(second);
    await nodeOf(0).appends.append([old]);
    const again = { ...old, msgId: 900_000n };
    const fresh = message(second);
    nodeOf(1).proxy.swallowing = true;
    const answer = nodeOf(0).appends.append([again, fresh]);
    // As if it had arrived, and the answer was lost.
    await nodeOf(1).appends.appendHere([again, fresh]);
    expect(seqs(await answer)).toEqual([
      ['repeated', 1],
      ['stored', 2],
    ]);
  });

  it('are stored from here at once when the owner is gone or its link breaks', async () => {
    await setUp({ timeoutMs: 60_000 });
    nodeOf(1).store.hold();
    const answer = nodeOf(0).appends.append([message(second)]);
    await until('the owner has it', () => stored(nodeOf(1)) === 1);
    nodeOf(1).proxy.cut();
    expect(seqs(await answer)).toEqual([['stored', 1]]);
    expect(await forwards('lost')).toBe(1);
    await nodeOf(1).listener.stop();
    await until('it is not linked', () => !nodeOf(0).peers.linked.includes('logic-2'));
    expect(seqs(await nodeOf(0).appends.append([message(second)]))).toEqual([['stored', 2]]);
    expect(await forwards('unlinked')).toBe(1);
  });

  it('are stored from here when the owner refuses', async () => {
    await setUp();
    nodeOf(1).store.failWith(new StorageError('full', 'no space there'));
    expect(seqs(await nodeOf(0).appends.append([message(second), message(own)]))).toEqual([
      ['stored', 1],
      ['stored', 1],
    ]);
    expect(await forwards('refused')).toBe(1);
  });

  it('fail as a whole when one part cannot be stored anywhere, and only when every part has ended', async () => {
    await setUp();
    for (const { store } of [nodeOf(0), nodeOf(1)]) store.failWith(new StorageError('io', 'gone'));
    nodeOf(2).store.hold();
    const batch = [message(second), message(third)];
    let ended = false;
    const answer = nodeOf(0)
      .appends.append(batch)
      .finally(() => {
        ended = true;
      });
    answer.catch(() => undefined);
    await until('the first part has failed', () => stored(nodeOf(0)) === 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(ended).toBe(false);
    nodeOf(2).store.release();
    await expect(answer).rejects.toMatchObject({ kind: 'io' });
    for (const { store } of nodes) store.failWith(undefined);
    expect(seqs(await nodeOf(0).appends.append(batch))).toEqual([
      ['stored', 1],
      ['repeated', 1],
    ]);
  });

  it('never give a conv_seq twice or leave one out, whoever believes to own the conversation, and keep each order', async () => {
    await setUp({ timeoutMs: 20 });
    const batches = nodes.flatMap(({ appends }, from) =>
      Array.from({ length: 20 }, async (_, round) => {
        await new Promise((resolve) => setTimeout(resolve, round * 3));
        if (round === 8) nodeOf(1).proxy.stall();
        if (round === 10) nodeOf(2).proxy.cut();
        if (round === 14) nodeOf(1).proxy.resume();
        const batch = Array.from({ length: 5 }, () => message(conversations[(round + from) % 3]!));
        return { batch, outcomes: await appends.append(batch) };
      }),
    );
    const all = (await Promise.all(batches)).flatMap(({ batch, outcomes }) => {
      const found = outcomes.map((outcome) => ('convSeq' in outcome ? outcome.convSeq : -1));
      expect(found).toEqual([...found].sort((a, b) => a - b));
      return batch.map((request, index) => ({ id: request.conversationId, seq: found[index]! }));
    });
    for (const id of conversations) {
      const found = all.filter((each) => each.id === id).map(({ seq }) => seq);
      expect(found.sort((a, b) => a - b)).toEqual(found.map((_, index) => index + 1));
    }
  });

  it('take no more after the stop, and end what they took before', async () => {
    await setUp();
    nodeOf(0).store.hold();
    const before = nodeOf(0).appends.append([message(own)]);
    await until('it is under way', () => stored(nodeOf(0)) === 1);
    const stops = [nodeOf(0).appends.stop(), nodeOf(0).appends.stop()];
    await expect(nodeOf(0).appends.append([message(own)])).rejects.toMatchObject({ kind: 'closed' });
    nodeOf(0).store.release();
    expect(seqs(await before)).toEqual([['stored', 1]]);
    await Promise.all(stops);
  });
});

describe('appends of several nodes', () => {
  const together = (store: GatedStorage, limit = 512): AppendTogether => new AppendTogether(store, limit);
  const opened = async (): Promise<GatedStorage> => {
    const store = new GatedStorage();
    await store.openDirect(1n, 2n, own, 0);
    return store;
  };

  it('share a transaction when they come while another is under way, and no batch is cut in two', async () => {
    const store = await opened();
    const commit = together(store, 10);
    store.hold();
    const sizes = [1, 3, 4, 4, 30, 2];
    const answers = sizes.map((size) => commit.append(Array.from({ length: size }, () => message(own))));
    await until('the first is under way', () => store.batches.length === 1);
    store.release();
    expect((await Promise.all(answers)).map((outcomes) => outcomes.length)).toEqual(sizes);
    expect(store.batches.map((batch) => batch.length)).toEqual([8, 4, 30, 2]);
  });

  it('do not fail together when the fault is of one of them', async () => {
    const store = await opened();
    const commit = together(store);
    const append = store.append.bind(store);
    const poison = message(own);
    store.append = async (batch) => {
      if (batch.includes(poison)) throw new StorageError('fenced', 'the number is another node’s');
      return append(batch);
    };
    const answers = [[message(own)], [poison], [message(own)]].map((batch) => commit.append(batch));
    const ends = await Promise.allSettled(answers);
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('are refused when too many wait, rather than kept without bound', async () => {
    const store = await opened();
    const commit = together(store, 10);
    store.hold();
    const answers = Array.from({ length: 40 }, () => commit.append(Array.from({ length: 10 }, () => message(own))));
    store.release();
    const ends = await Promise.allSettled(answers);
    expect(ends.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(10);
    const refused = ends.filter((end) => end.status === 'rejected');
    expect(refused.length).toBeGreaterThan(10);
    expect(refused[0]!.reason).toMatchObject({ kind: 'busy' });
  });
});
