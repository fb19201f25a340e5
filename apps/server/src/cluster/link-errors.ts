import { Counter, type Registry } from 'prom-client';
import type { Logger } from '../observe/logger.ts';
import type { LinkErrorHandler } from './in-process.ts';

/**
 * What becomes of an error that a receiver threw at a link: an error log with its stack, and a count. Never more than
 * that: a packet that makes a receiver throw may come from a client, and one client must not end the server for all.
 */
export function linkErrors(logger: Logger, registry: Registry): (link: 'to_logic' | 'to_gate') => LinkErrorHandler {
  const errors = new Counter({
    name: 'fastim_link_errors_total',
    help: 'Packets on which their receiver failed. Any is a bug: the log has the stack.',
    labelNames: ['link'] as const,
    registers: [registry],
  });
  return (link) => (error) => {
    errors.inc({ link });
    logger.error({ err: error instanceof Error ? error : new Error(String(error)), link }, 'a packet was lost');
  };
}
