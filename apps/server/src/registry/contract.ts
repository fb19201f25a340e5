/**
 * What the processes of a cluster tell each other of themselves (DESIGN 8): which nodes there are, where users are
 * connected, and orders that reach every node. Kept in Redis, or in memory where everything is one process. Nothing in
 * here is the only copy of anything: after a flush every node writes its part again, within 15 s.
 */
import type { ConnectionRef, Identity } from '../cluster/contract.ts';
import type { RouteTable } from '../routing/route-table.ts';

export type NodeRole = 'lsb' | 'gate' | 'api' | 'logic';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

interface NodeBase {
  readonly role: NodeRole;
  /** Of this life of the process: a restart has another one. */
  readonly nodeId: string;
  /** How the operator knows it, over restarts; also in logs and the admin list. */
  readonly name: string;
  readonly version: string;
  /** Of what is spoken inside the cluster. */
  readonly clusterVersion: number;
  readonly pid: number;
  readonly startedMs: number;
  /** The node's clock at its last report. */
  readonly clockMs: number;
  /** Where its metrics and health answer. */
  readonly metrics: HostPort;
}

/** Which conversations a gate's clients are for (seed 2.1). */
export type ChannelKind = 'single' | 'group';

export interface GateRecord extends NodeBase {
  readonly role: 'gate';
  /** The inner port, which logic nodes dial. */
  readonly inner: HostPort;
  readonly tcp: HostPort | null;
  /** ws:// or wss:// address. */
  readonly websocket: string | null;
  readonly appIds: readonly string[];
  readonly channels: readonly ChannelKind[];
  /** Empty: for everybody. Else only for those whom a gray rule sends here (lsb/gray-rules.ts). */
  readonly grayRules: readonly GrayRule[];
  readonly connections: number;
  readonly capacity: number;
  /** False while it starts or drains. */
  readonly accepting: boolean;
}

/** Somebody comes to a gray gate when all parts that are given hold. */
export interface GrayRule {
  /** 0 to 100: by a hash of the user id that is the same on every LSB and over restarts. */
  readonly percentage?: number;
  readonly userIds?: readonly string[];
  /** A range like ">=1.2.0 <2.0.0" over the semver in "name/semver". */
  readonly version?: string;
}

export interface LogicRecord extends NodeBase {
  readonly role: 'logic';
  /** Snowflake node number; -1: it holds none now. */
  readonly number: number;
  /** Where other logic nodes forward appends to. */
  readonly inner: HostPort;
  readonly routes: number;
  /** The gates that it has a link to. */
  readonly gates: readonly string[];
}

export interface HttpRecord extends NodeBase {
  readonly role: 'lsb' | 'api';
  /** http:// or https:// address. */
  readonly url: string;
}

export type NodeRecord = GateRecord | LogicRecord | HttpRecord;

/** Somebody who was refused, for the admin list: wrong secret, skewed clock, an old version, an id that is taken. */
export interface Intruder {
  readonly atMs: number;
  readonly by: string;
  readonly from: string;
  readonly reason: string;
}

/**
 * The nodes there are. A record that was not reported for `nodeExpiryMs` (10 s) is gone. `nodes` is this process's last
 * look (at most a second old) and stays as it is while the registry cannot be reached: who was alive then counts as alive.
 */
export interface NodeDirectory {
  nodes(): readonly NodeRecord[];
  /** Called in the turn in which the picture changes (not for a report alone); must not throw. Returns how to end that. */
  watch(listener: (nodes: readonly NodeRecord[]) => void): () => void;
  /**
   * Reports every `reportMs` (3 s), at once, and whenever `report` says so. `current` is asked each time. The first
   * report resolves; a registry that cannot be reached is tried again for as long as it takes.
   * `stop` takes the record away (best effort).
   */
  announce(current: () => NodeRecord): { first: Promise<void>; report(): void; stop(): Promise<void> };
  refused(intruder: Intruder): void;
  intruders(): Promise<readonly Intruder[]>;
}

/** An order for every node, or for one. May get lost while the registry is down; each says how that is made good. */
export type ClusterEvent =
  /** All logic nodes: close the session's connections. Lost: logic asks the storage for sessions ended meanwhile. */
  | { readonly type: 'end-session'; readonly sessionId: string; readonly closeCode: number }
  /** All logic nodes: the user changed whether others see when he is online. Lost: seen at his next log-in. */
  | { readonly type: 'show-online'; readonly userId: string }
  /** The gate: as by SIGTERM, but the process stays, or as many clients a second as it takes over the window. */
  | { readonly type: 'drain-gate'; readonly gateId: string }
  | { readonly type: 'reconnect-gate'; readonly gateId: string; readonly windowMs: number }
  /** All gates: who is connected; all logic and gates: what is known of a message. Answered by `reply`. */
  | { readonly type: 'ask'; readonly askId: string; readonly question: ClusterQuestion };

export type ClusterQuestion =
  | {
      readonly about: 'connections';
      readonly userId: string | null;
      readonly gateId: string | null;
      readonly limit: number;
    }
  | { readonly about: 'message'; readonly logId: number | null; readonly msgId: string | null }
  /** To the one node that is named, which has a storage: who has this user name? */
  | { readonly about: 'user'; readonly nodeId: string; readonly username: string }
  /** An order to the one node that is named, which has a storage: end the sessions of a user, or of one device. */
  | {
      readonly about: 'kick';
      readonly nodeId: string;
      readonly userId: string;
      readonly deviceId: string | null;
    };

export interface ClusterBus {
  /** Resolves when the registry has taken it; rejects RegistryUnavailable. */
  publish(event: ClusterEvent): Promise<void>;
  /** Also of what this process publishes. Called in order; must not throw. */
  subscribe(listener: (event: ClusterEvent) => void): () => void;
  /** Called after the connection was lost and is back: events may have been missed since `lostAtMs`. */
  onResumed(listener: (lostAtMs: number) => void): () => void;
  /** Publishes a question and collects answers until `expected` came or the time is over. */
  ask(question: ClusterQuestion, expected: number, timeoutMs: number): Promise<readonly ClusterAnswer[]>;
  reply(askId: string, answer: ClusterAnswer): void;
}

export interface ClusterAnswer {
  readonly nodeId: string;
  readonly name: string;
  readonly role: NodeRole;
  /** JSON; its shape belongs to the question (admin/answers.ts). */
  readonly found: unknown;
}

/**
 * The routes of the whole cluster: the RouteTable of a logic node. Its own routes are in memory, and those of users it
 * asked for are cached until a change is heard. Where the cache has them, everything goes on without the registry;
 * where it has not, `ofUser` rejects while the registry is down.
 */
export interface ClusterRoutes extends RouteTable {
  /**
   * The log-in's own route is written to the registry: a LOGIN is answered after this, so that "log-ins wait while the
   * registry is down" and a message sent after the answer finds the route. Rejects RegistryUnavailable.
   */
  written(connection: ConnectionRef): Promise<void>;
  /** Connections in the registry, for the admin list. */
  page(query: { userId: bigint | null; gateId: string | null; limit: number }): Promise<readonly KnownRoute[]>;
  start(): Promise<void>;
  /** Takes this node's routes away (best effort). */
  stop(): Promise<void>;
}

export interface KnownRoute {
  readonly connection: ConnectionRef;
  readonly identity: Identity;
  readonly logicNodeId: string;
}

/**
 * A snowflake node number, leased (0 to 1023). Renewed every few seconds; while the registry cannot be reached nobody else
 * can get it either, so it stays good for `graceMs` of this process's own time. After that, or when another has it, ids
 * stop (core's NodeLease says so) until another number is had. `fence` rises with every holder of the number: the storage
 * refuses appends of an older one (StorageError 'fenced').
 */
export interface NumberLease {
  readonly number: number;
  readonly fence: bigint;
  readonly held: boolean;
  /** Called when it was lost, and with the new one when there is one. */
  onChange(listener: () => void): () => void;
  /**
   * The storage refused the number under this fence: another has it. It is never used again by this node; another is
   * taken. Nothing happens when the fence is not that of the present number (a refusal that came late).
   */
  giveUp(fence: bigint): void;
  /** Gives the number back. Idempotent. */
  stop(): Promise<void>;
}

/** Who may come in, over all LSBs together: a token bucket whose clock is the registry's. */
export interface Admissions {
  /**
   * Never rejects: while the registry cannot be reached each LSB has its part of the rate. `admitted`: the turn is taken,
   * `delayMs` from now. Not admitted: the queue is too long to stand in; ask again after `delayMs`.
   */
  take(): Promise<{ readonly delayMs: number; readonly admitted: boolean }>;
}

/** Clients that were sent to a gate and have not arrived yet, over all LSBs. Everything here is from memory, at once. */
export interface Reservations {
  add(gateId: string, userId: bigint): void;
  /** One of them is there, and from now on among the gate's own connections. */
  arrived(gateId: string): void;
  /** At most a second old; while the registry cannot be reached: this process's own. */
  count(gateId: string): number;
}

/** One process's hold on the registry. */
export interface ClusterRegistry {
  readonly directory: NodeDirectory;
  readonly bus: ClusterBus;
  readonly routes: ClusterRoutes;
  readonly admissions: Admissions;
  readonly reservations: Reservations;
  /**
   * Resolves when a number is had, however long that takes; rejects when the registry is stopped meanwhile.
   * `takeNumber` raises the fence in the storage; a rejection is tried again. One lease a process.
   */
  leaseNumber(options: {
    readonly takeNumber: (number: number, holder: string) => Promise<bigint>;
    readonly graceMs: number;
  }): Promise<NumberLease>;
  /** Whether the registry answered lately. */
  readonly reachable: boolean;
  /** Takes back what this node wrote (best effort, bounded in time). Idempotent. */
  stop(): Promise<void>;
}

/** Who opens a registry. */
export interface RegistrySelf {
  readonly nodeId: string;
  readonly name: string;
  readonly role: NodeRole;
}

/** The registry cannot be reached now. */
export class RegistryUnavailable extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'RegistryUnavailable';
  }
}
