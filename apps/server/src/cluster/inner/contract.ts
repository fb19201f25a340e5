/**
 * The real links between processes (DESIGN 8). Put together by roles:
 *
 *   const context = createLinkContext({ self, config: config.cluster, directory, logger, registry, clock, random, onError });
 *
 *   gate:   const listener = createInnerListener(context, acceptLogicLinks(context, { gate, links }));   // links: LogicLinks
 *
 *   logic:  const peers = createPeerLinks(context);
 *           const appends = ownerAppends(context, { messages: storage.messages, peers, batchLimit, issuer });
 *           const logic = createLogic({ storage: { ...storage, messages: appends }, … });
 *           const listener = createInnerListener(context, acceptPeers(context, { append: (batch) => appends.appendHere(batch) }));
 *           const dialer = createGateDialer(context, { logic });
 *
 * Everything is started after `listener.start()`, whose port is announced in the node's record, and stopped in the
 * reverse order: logic first (its last answers travel), then the dialer, the listener, the peers and the appends.
 */
import type { Clock, Random } from '@fastim/core';
import type { Registry } from 'prom-client';
import type { Config } from '../../config.ts';
import type { Logger } from '../../observe/logger.ts';
import type { HostPort, NodeDirectory, NodeRole } from '../../registry/contract.ts';
import type { AppendOutcome, AppendRequest, MessageStore, NodeNumber } from '../../storage/message-store.ts';
import type { GatePort, LogicPort } from '../contract.ts';
import type { LinkErrorHandler } from '../in-process.ts';
import type { LogicLinks } from '../logic-links.ts';

/** Who this process is to the others. */
export interface LinkSelf {
  readonly nodeId: string;
  readonly name: string;
  readonly role: NodeRole;
}

/** What all links of one process stand on. */
export interface LinkParts {
  readonly self: LinkSelf;
  readonly config: Config['cluster'];
  readonly directory: NodeDirectory;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  /** What a receiver in this process threw at a packet (`linkErrors`). */
  readonly onError: LinkErrorHandler;
  /** When a turn of the event loop ends. Default: setImmediate. */
  readonly defer?: (flush: () => void) => void;
}

/** The inner port. Idempotent both ways; it is not started again after a stop. */
export interface InnerListener {
  /** Resolves with what it listens on, or with `cluster.advertiseInner`: what the node's record says as `inner`. */
  start(): Promise<HostPort>;
  /** Takes no more, says goodbye on every link, and resolves when all are closed. */
  stop(): Promise<void>;
  /** Node ids of those that are linked in. */
  readonly linked: readonly string[];
}

/** A logic node's links to all gates: dialled as the directory shows them, dialled again when they break. */
export interface GateDialer {
  start(): void;
  /** Detaches every gate, writes what waits, says goodbye. Idempotent; it is not started again. */
  stop(): Promise<void>;
  /** Gates that have a link now, by id: what the node's record says as `gates`. */
  readonly gates: readonly string[];
  /** Called when `gates` changes. Returns how to end that. */
  onChange(listener: () => void): () => void;
}

/** What the dialer tells logic. */
export interface GateAttachment extends LogicPort {
  attachGate(gate: GatePort): void;
  detachGate(gateId: string): void;
}

/** Appends that an owner did not take, or may have taken: it is gone, slow, or says no. */
export class PeerUnavailable extends Error {
  readonly reason: 'unlinked' | 'late' | 'lost' | 'refused' | 'too_large';
  /** Whether the owner may have stored them, or may yet. */
  readonly unsure: boolean;

  constructor(
    reason: PeerUnavailable['reason'],
    message: string,
    unsure: boolean = reason === 'late' || reason === 'lost',
  ) {
    super(message);
    this.name = 'PeerUnavailable';
    this.reason = reason;
    this.unsure = unsure;
  }
}

/** A logic node's links to the other logic nodes. */
export interface PeerLinks {
  start(): void;
  /** What is asked over them fails; it is not started again. */
  stop(): Promise<void>;
  /** Nodes that have a link now. */
  readonly linked: readonly string[];
  /** Rejects with PeerUnavailable only, also when no answer came within `timeoutMs`. */
  append(nodeId: string, batch: readonly AppendRequest[], options: ForwardOptions): Promise<AppendOutcome[]>;
}

export interface ForwardOptions {
  readonly timeoutMs: number;
  /** Under which node number the ids of the batch were made. */
  readonly issuer: NodeNumber | undefined;
}

/** The store of a logic node: appends go through the owners of their conversations. */
export interface OwnerAppends extends MessageStore {
  /** What another node forwarded: never forwarded again. Rejects as `MessageStore.append` does. */
  appendHere(batch: readonly AppendRequest[]): Promise<AppendOutcome[]>;
  /** Resolves when everything taken before has ended; later appends reject with StorageError 'closed'. */
  stop(): Promise<void>;
}

export interface OwnerAppendsParts {
  readonly messages: MessageStore;
  readonly peers: PeerLinks;
  /** Most messages of one transaction. */
  readonly batchLimit: number;
  /**
   * The node number that this process makes ids under, so that an owner stores them under its fence. While it holds none
   * nothing is forwarded. Not given: the storage has no fence.
   */
  readonly issuer?: () => NodeNumber | undefined;
  /** An owner that takes longer is passed by. Default: 1,000. */
  readonly timeoutMs?: number;
}

/** A gate's side of logic links. */
export interface LogicLinksParts {
  readonly gate: GatePort;
  readonly links: LogicLinks;
}
