import { type DestinationStream, type Logger, pino } from 'pino';
import { LogDestination } from './log-destination.ts';

export type { Logger } from 'pino';

export interface LoggerOptions {
  level: string;
  /** Path of the log file; empty: standard error. */
  file: string;
  name: string;
}

export interface OpenLogger {
  logger: Logger;
  /** Opens the file anew, after it was moved away by a log rotation. */
  reopen(): void;
  /** Nothing is buffered; lines that come afterwards are dropped. */
  close(): void;
}

/**
 * Names under which a secret or a message could reach a log line by mistake. Nobody logs them on purpose; this is the
 * second wall.
 */
const secretNames = [
  'password',
  'passwordHash',
  'accessToken',
  'refreshToken',
  'ticket',
  'gateTicket',
  'token',
  'authorization',
  'cookie',
  'text',
  'body',
];

const redact = {
  paths: secretNames.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
  censor: '[hidden]',
};

/** JSON lines. Rejects nothing: a file that cannot be opened throws here, before anything has started. */
export function openLogger(options: LoggerOptions): OpenLogger {
  const stream = new LogDestination(options.file);
  return { logger: createLogger(options, stream), reopen: () => stream.reopen(), close: () => stream.close() };
}

export function createLogger(options: Pick<LoggerOptions, 'level' | 'name'>, stream: DestinationStream): Logger {
  return pino(
    { level: options.level, name: options.name, redact, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    stream,
  );
}
