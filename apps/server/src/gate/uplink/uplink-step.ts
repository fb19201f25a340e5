import type { ErrorName, Frame } from '@fastim/protocol';
import type { Logger } from 'pino';
import type { LogicPort } from '../../cluster/contract.ts';
import type { GateConfig } from '../../config.ts';
import type { Trace } from '../../observe/trace-ring.ts';
import { statusAnswer } from '../answers.ts';
import type { Connection } from '../connection.ts';
import type { GateMetrics, RejectReason } from '../gate-metrics.ts';
import type { TicketCheck } from '../ticket-check.ts';

/** next: to the next step. done: dealt with. wait: not now, offer the frame again. */
export type Verdict = 'next' | 'done' | 'wait';

/** What all steps may use. */
export interface UplinkContext {
  readonly config: GateConfig;
  readonly logic: LogicPort;
  readonly metrics: GateMetrics;
  readonly logger: Logger;
  readonly trace?: Trace | undefined;
  /** Missing: nobody hands out tickets for this gate. */
  readonly tickets?: TicketCheck;
  /** Whether so many come at once that those with a ticket go first. */
  isCrowded?(): boolean;
}

/** One thing that happens to a frame of a client. All it keeps is in the connection. */
export interface UplinkStep {
  readonly name: string;
  take(context: UplinkContext, connection: Connection, frame: Frame): Verdict;
}

/** The answer to a frame that goes no further. */
export function reject(
  context: UplinkContext,
  connection: Connection,
  frame: Frame,
  reason: ErrorName,
  counted: RejectReason,
  message?: string,
): Verdict {
  context.metrics.rejected(counted);
  connection.send(statusAnswer(frame, reason, 0, message));
  return 'done';
}
