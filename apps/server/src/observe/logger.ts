import { type DestinationStream, destination, type Logger, pino } from 'pino';

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
  /** Writes out what is buffered; the logger must not be used afterwards. */
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
  const stream = options.file
    ? destination({ dest: options.file, mkdir: true, append: true, sync: true })
    : destination({ dest: 2, sync: true });
  return {
    logger: createLogger(options, stream),
    reopen: () => {
      if (options.file) stream.reopen();
    },
    close: () => {
      stream.flushSync();
      if (options.file) stream.end();
    },
  };
}

export function createLogger(options: Pick<LoggerOptions, 'level' | 'name'>, stream: DestinationStream): Logger {
  return pino(
    { level: options.level, name: options.name, redact, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    stream,
  );
}
