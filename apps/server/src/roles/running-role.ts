import type { Clock, Random } from '@fastim/core';
import type { Registry } from 'prom-client';
import type { Logger } from '../observe/logger.ts';

/** What a role stands on besides its configuration. */
export interface RolePorts {
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly registry?: Registry;
  readonly cores?: number;
  /** Ends a start that waits for something that is not there. */
  readonly stopping?: AbortSignal;
}

/** A role that runs in this process. */
export interface RunningRole {
  /** What answers where, in the order of the ready line; undefined: it does not. */
  readonly addresses: Readonly<Record<string, string | undefined>>;
  /** Reads certificates again. */
  reload(): void;
  /** Drains what has clients, lets what is under way end, takes itself out of the cluster. Idempotent. */
  stop(): Promise<void>;
}

/** The start was given up because the process is to stop. */
export class StartAborted extends Error {
  constructor() {
    super('stopped while it started');
    this.name = 'StartAborted';
  }
}

/** This process may not take part: its clock is wrong, or what it stands on refuses it. The message is for the operator. */
export class RoleRefusal extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'RoleRefusal';
  }
}
