import type { Frame } from '@fastim/protocol';
import type { Connection } from '../connection.ts';
import { commandStep } from './command-step.ts';
import { directionStep } from './direction-step.ts';
import { forwardStep } from './forward-step.ts';
import { limitStep } from './limit-step.ts';
import { loginStep } from './login-step.ts';
import { metricsStep } from './metrics-step.ts';
import { sequenceStep } from './sequence-step.ts';
import { stateStep } from './state-step.ts';
import type { UplinkContext, UplinkStep } from './uplink-step.ts';

/**
 * What happens to a frame from a client, step by step, until one says it is done (seed 2.2). The gate looks at the header
 * only. Only the first step may ask to wait: it has not changed anything then.
 */
export const uplinkSteps: readonly UplinkStep[] = [
  limitStep,
  directionStep,
  stateStep,
  commandStep,
  sequenceStep,
  metricsStep,
  loginStep,
  forwardStep,
];

export class Uplink {
  readonly #context: UplinkContext;
  readonly #steps: readonly UplinkStep[];

  constructor(context: UplinkContext, steps: readonly UplinkStep[] = uplinkSteps) {
    this.#context = context;
    this.#steps = steps;
  }

  /** False: the frame has to wait. Frames of one connection must be offered in order. */
  handle(connection: Connection, frame: Frame): boolean {
    // Frames behind one that closed the connection are dropped.
    if (!connection.isOpen) return true;
    for (const step of this.#steps) {
      const verdict = step.take(this.#context, connection, frame);
      if (verdict !== 'next') return verdict === 'done';
    }
    return true;
  }
}
