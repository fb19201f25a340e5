/** A whole cluster on this machine, for trying and testing: its own PostgreSQL and Redis, and every role as a process. */
export interface LocalClusterOptions {
  /** Everything is kept here; used again by the next start. */
  readonly directory: string;
  readonly lsbs: number;
  readonly gates: number;
  readonly apis: number;
  readonly logics: number;
  /** More FASTIM_* variables for one member; its own ports and names may be among them. */
  readonly environment?: (member: MemberName) => Readonly<Record<string, string>>;
  /** The port at which the roles reach the store that listens on `port`, when something stands between (tests). */
  readonly storesAt?: (member: 'postgres' | 'redis', port: number) => number;
  /** Lines for people: what starts, what died. */
  readonly say?: (line: string) => void;
}

/** "lsb-1", "gate-3", "api-2", "logic-1", "postgres", "redis". */
export type MemberName = string;

export interface ClusterMember {
  readonly name: MemberName;
  readonly kind: 'lsb' | 'gate' | 'api' | 'logic' | 'postgres' | 'redis';
  /** Undefined: it does not run. */
  readonly pid: number | undefined;
  /** What the ready line said: api, tcp, websocket, inner, metrics, lsb; for the two others: url. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly logFile: string;
}

/**
 * Members are started in order (postgres, redis, then all roles at once) and keep their ports and names over restarts.
 * A member that dies is not started again by itself. Every call names members that exist, else it throws.
 */
export interface LocalCluster {
  members(): readonly ClusterMember[];
  member(name: MemberName): ClusterMember;
  /** What a client is given as its server: the HTTP API's addresses. */
  readonly serverUrls: readonly string[];
  readonly secret: string;
  /** Resolves when the process is gone (SIGKILL, SIGTERM, SIGINT), or has it (SIGSTOP, SIGCONT). */
  signal(name: MemberName, signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT' | 'SIGINT'): Promise<void>;
  /** Resolves when the member answers again. Nothing happens to one that runs. */
  start(name: MemberName): Promise<void>;
  /** All of them, in the reverse order. Idempotent. */
  stop(): Promise<void>;
}
