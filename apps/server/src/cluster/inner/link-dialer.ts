import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type BackoffPolicy, backoffDelay } from '@fastim/core';
import type { HostPort, NodeRecord } from '../../registry/contract.ts';
import { dialHandshake } from './handshake.ts';
import type { LinkSession } from './inner-listener.ts';
import { Link, type LinkPeer } from './link.ts';
import type { LinkContext } from './link-context.ts';
import type { LinkKind } from './link-metrics.ts';
import { type Ended, PacketSocket } from './packet-socket.ts';
import type { RefusalCode } from './refusal.ts';
import { addressOf, channelBinding } from './socket-facts.ts';

/** A node that does not answer, and one that says no. */
const unreachable: BackoffPolicy = { baseMs: 100, capMs: 3_000 };
const refusedBackoff: BackoffPolicy = { baseMs: 2_000, capMs: 10_000 };

const LONG_AFTER_ATTEMPTS = 5;

/** Nodes that have an inner port. */
export type Dialled = Extract<NodeRecord, { role: 'gate' | 'logic' }>;

export interface LinkDialerOptions {
  readonly kind: LinkKind;
  readonly role: Dialled['role'];
  accept(link: Link): LinkSession;
  /** A link came or went. */
  readonly changed: () => void;
}

/**
 * Keeps one link to each node of a role that the directory shows. A link that is up stays, whatever becomes of the
 * record (the registry may have been flushed); one that broke is dialled again, with backoff and full jitter, for as
 * long as the record is there. A node started anew has another id, so it is another node here.
 */
export class LinkDialer {
  readonly #context: LinkContext;
  readonly #options: LinkDialerOptions;
  readonly #targets = new Map<string, Target>();
  #unwatch: (() => void) | undefined;
  #stopped: Promise<void> | undefined;

  constructor(context: LinkContext, options: LinkDialerOptions) {
    this.#context = context;
    this.#options = options;
  }

  /** Ids of the nodes that have a link now. */
  get linked(): readonly string[] {
    const linked: string[] = [];
    for (const [nodeId, target] of this.#targets) if (target.isUp) linked.push(nodeId);
    return linked;
  }

  start(): void {
    if (this.#unwatch || this.#stopped) return;
    const { directory } = this.#context;
    this.#unwatch = directory.watch((nodes) => this.#look(nodes));
    this.#look(directory.nodes());
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#unwatch?.();
    const targets = [...this.#targets.values()];
    await Promise.all(targets.map((target) => target.stop()));
    this.#targets.clear();
  }

  #look(nodes: readonly NodeRecord[]): void {
    if (this.#stopped) return;
    const listed = new Map<string, HostPort>();
    for (const node of nodes) {
      if (node.role !== this.#options.role || node.nodeId === this.#context.self.nodeId) continue;
      // Who has an id first keeps it.
      if (!listed.has(node.nodeId)) listed.set(node.nodeId, node.inner);
    }
    for (const [nodeId, inner] of listed) {
      const target = this.#targets.get(nodeId);
      if (target) target.listedAt(inner);
      else this.#targets.set(nodeId, new Target(this.#context, this.#options, nodeId, inner, this.#forget));
    }
    for (const [nodeId, target] of this.#targets) if (!listed.has(nodeId)) target.unlisted();
  }

  readonly #forget = (nodeId: string): void => {
    this.#targets.delete(nodeId);
  };
}

class Target {
  readonly #context: LinkContext;
  readonly #options: LinkDialerOptions;
  readonly #nodeId: string;
  readonly #forget: (nodeId: string) => void;
  #inner: HostPort;
  #listed = true;
  #stopped = false;
  #attempt = 0;
  #cancelWait: (() => void) | undefined;
  #socket: Socket | undefined;
  #wire: PacketSocket | undefined;
  /** Ends a connection that is being made. */
  #giveUp: ((ended: Ended) => void) | undefined;
  #up: { link: Link; session: LinkSession } | undefined;
  #refusedBy: RefusalCode | undefined;

  constructor(
    context: LinkContext,
    options: LinkDialerOptions,
    nodeId: string,
    inner: HostPort,
    forget: (nodeId: string) => void,
  ) {
    this.#context = context;
    this.#options = options;
    this.#nodeId = nodeId;
    this.#inner = inner;
    this.#forget = forget;
    this.#dial();
  }

  get isUp(): boolean {
    return this.#up !== undefined;
  }

  /** An id stays at its address for its life: while the link is up, whoever else claims the id is refused. */
  listedAt(inner: HostPort): void {
    this.#listed = true;
    if (inner.host === this.#inner.host && inner.port === this.#inner.port) return;
    if (this.#up) {
      const from = `${inner.host}:${inner.port}`;
      const reason = `${this.#nodeId} is linked at ${this.#inner.host}:${this.#inner.port} and listed at ${from}`;
      this.#context.refused('ours', from, { code: 'taken', reason });
      return;
    }
    this.#inner = inner;
  }

  unlisted(): void {
    this.#listed = false;
    if (this.#up || this.#stopped) return;
    this.#forget(this.#nodeId);
    void this.stop();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelWait?.();
    this.#cancelWait = undefined;
    const up = this.#up;
    if (!up) {
      if (this.#wire) this.#wire.end('closed', 'not dialled any more');
      else this.#giveUp?.({ reason: 'closed', detail: 'not dialled any more' });
      return;
    }
    this.#down();
    await up.link.close(`${this.#context.self.name} stops`);
  }

  #dial(): void {
    const context = this.#context;
    const nodeId = this.#nodeId;
    const { host, port } = this.#inner;
    const { tls, config, clock } = context;
    this.#refusedBy = undefined;
    const socket = tls ? connectTls({ ...tls.client, host, port }) : connectTcp({ host, port });
    this.#socket = socket;
    let link: Link | undefined;
    // Before the connection is there nobody else would hear of an error.
    const failed = (error: Error): void => over({ reason: 'lost', detail: error.message });
    const over = (ended: Ended): void => {
      cancel();
      // One that carries packets ends itself, after what waits is written.
      if (!this.#wire) socket.destroy();
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#wire = undefined;
      this.#giveUp = undefined;
      if (link) this.#ended(link, ended);
      else this.#failed(ended);
    };
    const cancel = clock.setTimer(config.linkSilenceMs, () => {
      const ended = { reason: 'lost', detail: 'no answer' } as const;
      if (this.#wire) this.#wire.end(ended.reason, ended.detail);
      else over(ended);
    });
    this.#giveUp = over;
    socket.once('error', failed);
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      socket.off('error', failed);
      const wire = new PacketSocket(socket, { defer: context.defer, onError: context.onError, onEnd: over });
      this.#wire = wire;
      dialHandshake(
        {
          context,
          socket: wire,
          binding: channelBinding(socket),
          address: addressOf(socket),
          onUp: (peer) => {
            cancel();
            link = this.#linked(peer, wire);
          },
          onRefused: (side, refusal, from) => {
            this.#refusedBy = refusal.code;
            context.refused(side, from, refusal);
          },
        },
        { nodeId, role: this.#options.role },
      );
    });
  }

  #linked(peer: LinkPeer, socket: PacketSocket): Link {
    const { clock, metrics, config, logger } = this.#context;
    const { kind } = this.#options;
    const link = new Link({ kind, peer, socket, clock, metrics, silenceMs: config.linkSilenceMs });
    const session = this.#options.accept(link);
    this.#attempt = 0;
    this.#up = { link, session };
    link.start(session.take);
    logger.info({ link: kind, peer: peer.nodeId, name: peer.name }, 'link up');
    this.#options.changed();
    return link;
  }

  #down(): void {
    const up = this.#up;
    if (!up) return;
    this.#up = undefined;
    up.session.down();
    this.#options.changed();
  }

  #ended(link: Link, { reason, detail }: Ended): void {
    link.ended(reason);
    const level = reason === 'goodbye' || reason === 'closed' ? 'info' : 'warn';
    this.#context.logger[level]({ link: link.kind, peer: this.#nodeId, reason, detail }, 'link down');
    if (this.#up?.link === link) this.#down();
    this.#again();
  }

  #failed({ detail }: Ended): void {
    const { host, port } = this.#inner;
    // Once for each time that it is gone for long: a node that was killed is listed for a while.
    const level = this.#attempt === LONG_AFTER_ATTEMPTS ? 'warn' : 'debug';
    this.#context.logger[level]({ peer: this.#nodeId, host, port, detail, attempt: this.#attempt }, 'dialling failed');
    this.#again();
  }

  #again(): void {
    if (this.#stopped) return;
    if (!this.#listed) {
      this.#forget(this.#nodeId);
      return;
    }
    const policy = this.#refusedBy === undefined ? unreachable : refusedBackoff;
    const delay = backoffDelay(policy, this.#attempt, this.#context.random.fraction());
    this.#attempt += 1;
    this.#cancelWait = this.#context.clock.setTimer(delay, () => {
      this.#cancelWait = undefined;
      this.#dial();
    });
  }
}
