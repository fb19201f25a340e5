import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@fastim/core';
import type { Logger } from 'pino';
import type { TraceRing } from '../observe/trace-ring.ts';
import type { RegistrySelf } from '../registry/contract.ts';
import { createAdminInterface } from './admin-interface.ts';
import { AdminStorage, type AdminStorageOptions } from './admin-storage.ts';
import { answerQuestions, type GateView } from './answer-questions.ts';
import { type AdminRegistry, ClusterAdmin } from './cluster-admin.ts';

export interface StartAdminOptions {
  readonly self: RegistrySelf;
  readonly registry: AdminRegistry;
  /** Of this process, if it has one. */
  readonly gate?: GateView;
  readonly storage?: Omit<AdminStorageOptions, 'clock'>;
  readonly trace: TraceRing;
  /** What an operator shows to be let in. */
  readonly token: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A node's part in administration: it answers the questions of the others, and serves the operator on its metrics port. */
export function startAdmin(options: StartAdminOptions): {
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void;
  stop(): void;
} {
  const { self, registry, gate, trace, token, clock, logger } = options;
  const storage = options.storage ? new AdminStorage({ ...options.storage, clock }) : undefined;
  const end = answerQuestions({ self, bus: registry.bus, gate, storage, trace, logger });
  const admin = new ClusterAdmin({ registry, logger });
  return { handle: createAdminInterface({ admin, token, clock, logger }), stop: end };
}
