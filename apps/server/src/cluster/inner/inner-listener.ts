import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { HostPort, NodeRole } from '../../registry/contract.ts';
import type { InnerListener } from './contract.ts';
import { answerHandshake, type HandshakeParts, refuse } from './handshake.ts';
import { Link, type LinkPeer, type TakePacket } from './link.ts';
import type { LinkContext } from './link-context.ts';
import type { LinkKind } from './link-metrics.ts';
import { type Ended, PacketSocket } from './packet-socket.ts';
import { addressOf, channelBinding } from './socket-facts.ts';
import { MAX_UNPROVED } from './wire/limits.ts';

/** What one link is to those who use it. */
export interface LinkSession {
  readonly take: TakePacket;
  /** Once, in the turn in which the link is given up; nothing comes from it any more. */
  down(): void;
}

/** Whose links are taken, and what becomes of them. One link for each node: a new one ends the one before it. */
export interface LinkAcceptor {
  readonly kind: LinkKind;
  readonly from: NodeRole;
  accept(link: Link): LinkSession;
}

export function createInnerListener(context: LinkContext, acceptor: LinkAcceptor): InnerListener {
  return new RunningListener(context, acceptor);
}

class RunningListener implements InnerListener {
  readonly #context: LinkContext;
  readonly #acceptor: LinkAcceptor;
  readonly #links = new Map<string, { link: Link; session: LinkSession }>();
  /** Sockets whose other end has not proved who it is. */
  readonly #unproved = new Set<Socket>();
  readonly #closing = new Set<Promise<void>>();
  #server: Server | undefined;
  #started: Promise<HostPort> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(context: LinkContext, acceptor: LinkAcceptor) {
    this.#context = context;
    this.#acceptor = acceptor;
  }

  get linked(): readonly string[] {
    return [...this.#links.keys()];
  }

  start(): Promise<HostPort> {
    if (this.#stopped) return Promise.reject(new Error('the inner port was closed for good'));
    this.#started ??= this.#start();
    return this.#started;
  }

  async #start(): Promise<HostPort> {
    const { config, tls, logger } = this.#context;
    const { innerHost: host, innerPort: port } = config;
    const server = tls ? createTlsServer(tls.server, this.#connected) : createServer(this.#connected);
    this.#server = server;
    // With TLS, a socket counts from its first byte on.
    server.on('connection', this.#admit);
    server.on('tlsClientError', (error: Error, socket: Socket) => {
      const from = addressOf(socket);
      this.#context.refused('ours', from, { code: 'protocol', reason: `no TLS connection: ${error.message}` });
      socket.destroy();
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port }, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (error) => logger.error({ err: error }, 'the inner port failed'));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the inner port has no address');
    const listening = { host, port: address.port };
    logger.info({ ...listening, tls: tls !== undefined }, 'inner port open');
    return advertised(config.advertiseInner) ?? listening;
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    // A start that failed has told its caller.
    await this.#started?.catch(() => undefined);
    const server = this.#server;
    const closed = server?.listening ? new Promise<void>((resolve) => server.close(() => resolve())) : undefined;
    for (const socket of this.#unproved) socket.destroy();
    const closing = [...this.#links].map(([nodeId, { link }]) => {
      this.#drop(nodeId, link);
      return link.close(`${this.#context.self.name} stops`);
    });
    await Promise.all([...closing, ...this.#closing, closed]);
  }

  readonly #admit = (socket: Socket): void => {
    if (this.#unproved.size >= MAX_UNPROVED) {
      socket.destroy();
      return;
    }
    this.#unproved.add(socket);
    socket.once('close', () => this.#unproved.delete(socket));
    // Until TLS is through nobody else listens.
    socket.on('error', () => socket.destroy());
    if (!this.#context.tls) return;
    const cancel = this.#context.clock.setTimer(this.#context.config.linkSilenceMs, () => {
      if (this.#unproved.has(socket)) socket.destroy();
    });
    socket.once('close', cancel);
  };

  readonly #connected = (socket: Socket): void => {
    if (this.#stopped || socket.destroyed) {
      socket.destroy();
      return;
    }
    const context = this.#context;
    const address = addressOf(socket);
    let link: Link | undefined;
    const wire = new PacketSocket(socket, {
      defer: context.defer,
      onError: context.onError,
      onEnd: (ended) => {
        cancel();
        if (link) this.#ended(link, ended);
      },
    });
    const parts: HandshakeParts = {
      context,
      socket: wire,
      binding: channelBinding(socket),
      address,
      onUp: (peer) => {
        cancel();
        this.#proved(socket);
        link = this.#up(peer, wire, address);
      },
      onRefused: (side, refusal, from) => context.refused(side, from, refusal),
    };
    const cancel = context.clock.setTimer(context.config.linkSilenceMs, () =>
      refuse(parts, { code: 'timeout', reason: 'it did not say who it is' }, address),
    );
    answerHandshake(parts, this.#acceptor.from);
  };

  /** Of a TLS socket the one below it is counted. */
  #proved(socket: Socket): void {
    for (const each of this.#unproved) {
      if (each === socket || (each.remotePort === socket.remotePort && each.remoteAddress === socket.remoteAddress)) {
        this.#unproved.delete(each);
        return;
      }
    }
  }

  #up(peer: LinkPeer, socket: PacketSocket, address: string): Link {
    const { clock, metrics, config, logger } = this.#context;
    const { kind } = this.#acceptor;
    const link = new Link({ kind, peer, socket, clock, metrics, silenceMs: config.linkSilenceMs });
    const before = this.#links.get(peer.nodeId);
    if (before) {
      this.#drop(peer.nodeId, before.link);
      before.link.end('replaced', 'the node has come again');
    }
    const session = this.#acceptor.accept(link);
    this.#links.set(peer.nodeId, { link, session });
    link.start(session.take);
    logger.info({ link: kind, peer: peer.nodeId, address }, 'link up');
    return link;
  }

  #ended(link: Link, { reason, detail }: Ended): void {
    link.ended(reason);
    this.#drop(link.peer.nodeId, link);
    const level = reason === 'goodbye' || reason === 'closed' ? 'info' : 'warn';
    this.#context.logger[level]({ link: link.kind, peer: link.peer.nodeId, reason, detail }, 'link down');
  }

  #drop(nodeId: string, link: Link): void {
    const entry = this.#links.get(nodeId);
    if (entry?.link !== link) return;
    this.#links.delete(nodeId);
    entry.session.down();
  }
}

function advertised(text: string): HostPort | undefined {
  if (text === '') return undefined;
  const url = new URL(`tcp://${text}`);
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
}
