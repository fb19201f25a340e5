import type { Clock } from '@fastim/core';
import { CloseCode } from '@fastim/protocol';
import type { OwnRoutes } from '../routing/own-routes.ts';
import type { Route } from '../routing/route-table.ts';
import type { SendToGate } from '../routing/send-to-gate.ts';
import { LEAVE_STEP } from './logic-limits.ts';

/** For log-ins that were under way. */
const GRACE_MS = 1_000;

/**
 * This node's connections are closed a few at a time, so that the others get them as evenly as they went: each client
 * comes back at once and finds another node. Whatever a client has not been acked it sends there again.
 */
export function leaveInOrder(
  parts: { own: OwnRoutes; toGate: SendToGate; clock: Clock },
  windowMs: number,
): Promise<void> {
  const { own, toGate, clock } = parts;
  for (const gate of toGate.gates()) gate.leaving?.();
  const told = new WeakSet<Route>();
  const began = clock.now();
  let stepsLeft = Math.max(1, Math.floor(windowMs / LEAVE_STEP));
  return new Promise((resolve) => {
    const step = (): void => {
      const staying = own.all();
      const untold = staying.filter((route) => !told.has(route));
      const isLate = Math.abs(clock.now() - began) >= windowMs + GRACE_MS;
      for (const route of isLate ? untold : untold.slice(0, Math.ceil(untold.length / stepsLeft))) {
        told.add(route);
        toGate.close(route.connection, CloseCode.nodeLost, 'the logic node goes away in order');
      }
      stepsLeft = Math.max(1, stepsLeft - 1);
      if (staying.length === 0 || isLate) resolve();
      else clock.setTimer(LEAVE_STEP, step);
    };
    step();
  });
}
