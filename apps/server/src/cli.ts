import type { Config } from './config.ts';
import { helpText } from './config-help.ts';
import { ConfigError, loadConfig, requireRunnable } from './load-config.ts';
import { type OpenLogger, openLogger } from './observe/logger.ts';
import { serverVersion } from './observe/version.ts';
import { type DataCommand, isDataCommand, runDataCommand } from './roles/data-command.ts';
import { RoleRefusal, type RunningRole } from './roles/running-role.ts';
import { startRole } from './roles/start-role.ts';
import { isStoreCommand, runStoreCommand, type StoreCommand } from './roles/store-command.ts';
import { systemClock } from './roles/system-ports.ts';
import { StorageRefusal } from './storage/storage.ts';
import { TlsRefusal } from './tls/tls-files.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** For everything but the drain. */
const STOP_MS = 10_000;

/**
 * The server as a command, or one of the commands for a data folder (backup, restore, verify) or for the database of a
 * cluster (migrate-store, restored-store).
 */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  const [command, ...rest] = argv;
  if (isDataCommand(command)) await runOnData(command, rest);
  else if (isStoreCommand(command)) await runOnStore(command, rest);
  else await runServer(argv);
}

/** Ends with one line of JSON. Exit code 0 when it is done, 1 when it could not be, 2 for wrong words. */
async function runOnStore(command: StoreCommand, argv: readonly string[]): Promise<void> {
  const config = readConfig(argv);
  if (!config.store.url) {
    complain(`${command} needs the address of the database: ${command} --store-url postgres://… (see --help)`);
    process.exit(EXIT_USAGE);
  }
  const { logger } = openLog({ ...config, logLevel: 'warn' });
  try {
    const options = { data: config.data, url: config.store.url, clock: systemClock, logger, say: complain };
    const { result, problems } = await runStoreCommand(command, options);
    for (const problem of problems) complain(problem);
    process.stdout.write(`${JSON.stringify(result)}\n`);
    if (problems.length > 0) process.exit(EXIT_FAILED);
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    process.exit(EXIT_FAILED);
  }
}

/** Exit code 0 when it is done, 1 when it could not be or the file is damaged, 2 for wrong words. */
async function runOnData(command: DataCommand, argv: readonly string[]): Promise<void> {
  const [file = '--', ...options] = argv;
  if (file.startsWith('-') && file !== '--help') {
    complain(`${command} needs the name of the backup file: ${command} FILE (see --help)`);
    process.exit(EXIT_USAGE);
  }
  const { data } = readConfig(file === '--help' ? argv : options);
  try {
    const { line, problems } = await runDataCommand(command, { data, file, clock: systemClock });
    for (const problem of problems) complain(problem);
    if (problems.length > 0) process.exit(EXIT_FAILED);
    process.stdout.write(`${line}\n`);
  } catch (error) {
    complain(error instanceof Error ? error.message : String(error));
    process.exit(EXIT_FAILED);
  }
}

/**
 * The server as a command: exit code 0 after a clean stop, 1 when it could not start or cannot go on, 2 for a wrong
 * configuration. Standard output gets the one ready line; everything that went wrong is one line on standard error.
 */
async function runServer(argv: readonly string[]): Promise<void> {
  const config = readConfig(argv, requireRunnable);
  const log = openLog(config);
  const { logger } = log;

  let server: RunningRole | undefined;
  const aborted = new AbortController();
  let stopping = false;
  const leave = (code: number): never => {
    log.close();
    process.exit(code);
  };
  const die = (error: unknown, what: string): never => {
    logger.fatal({ err: error }, what);
    if (config.logFile) complain(`${what}: ${error instanceof Error ? error.message : String(error)} (see the log)`);
    return leave(EXIT_FAILED);
  };
  process.on('uncaughtException', (error) => die(error, 'unexpected error'));
  process.on('unhandledRejection', (reason) => die(reason, 'unexpected rejection'));
  // Whoever started us may have gone; those who chat stay.
  process.stdout.on('error', (error) => logger.warn({ err: error }, 'the ready line could not be written'));

  const stop = async (why: string) => {
    if (stopping) {
      logger.warn({ why }, 'ended at once');
      leave(EXIT_FAILED);
    }
    stopping = true;
    logger.info({ why }, 'stopping');
    aborted.abort();
    // While it still starts, the start below sees the flag and stops what it has.
    if (!server) return;
    // A part that hangs must not keep the process: what is acknowledged is on disk.
    const deadline = setTimeout(
      () => die(new Error('a part hangs'), 'not stopped in time'),
      config.gate.drainMs + STOP_MS,
    );
    await server.stop();
    clearTimeout(deadline);
    logger.info('stopped');
    leave(0);
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  process.on('SIGHUP', () => {
    log.reopen();
    server?.reload();
  });
  if (process.env.FASTIM_STOP_WITH_STDIN) stopWithStdin(() => stop('standard input closed'));

  try {
    const started = await startRole(config, { logger, stopping: aborted.signal });
    server = started;
    if (stopping) {
      await started.stop();
      leave(0);
    }
    process.stdout.write(`${readyLine(config.role, started.addresses)}\n`);
  } catch (error) {
    if (stopping) leave(0);
    const fault = startFault(error, config);
    // What an operator can do something about is said once; on standard error that is the line below.
    if (config.logFile || !fault.expected) logger.error({ err: error }, 'the server could not start');
    complain(fault.line);
    leave(EXIT_FAILED);
  }
}

/** `check`: what it is needed for besides. */
function readConfig(argv: readonly string[], check: (config: Config) => void = () => undefined): Config {
  try {
    const loaded = loadConfig(argv, process.env);
    if (loaded.action === 'run') {
      check(loaded.config);
      return loaded.config;
    }
    process.stdout.write(loaded.action === 'help' ? helpText() : `fastim ${serverVersion()}\n`);
    return process.exit(0);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    complain(error.message);
    return process.exit(EXIT_USAGE);
  }
}

function openLog(config: Config): OpenLogger {
  try {
    return openLogger({ level: config.logLevel, file: config.logFile, name: 'fastim-server' });
  } catch (error) {
    complain(`the log file ${config.logFile} cannot be written (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
    return process.exit(EXIT_FAILED);
  }
}

function readyLine(role: Config['role'], addresses: RunningRole['addresses']): string {
  const parts = Object.entries(addresses).flatMap(([name, address]) => (address ? [`${name} ${address}`] : []));
  return ['FastIM ready', ...(role === 'all' ? [] : [role]), ...parts].join('  ');
}

/** Why the start failed, for a person, in one line; `expected`: it is not a bug of ours. */
function startFault(error: unknown, config: Config): { line: string; expected: boolean } {
  if (error instanceof StorageRefusal || error instanceof RoleRefusal || error instanceof TlsRefusal) {
    return { line: error.message, expected: true };
  }
  const { code, port, address = config.host, message = String(error) } = systemFault(error);
  const option = (
    [
      ['--port', config.port],
      ['--tcp-port', config.tcpPort],
      ['--ws-port', config.wsPort],
      ['--metrics-port', config.metricsPort],
      ['--cluster-inner-port', config.cluster.innerPort],
    ] as const
  ).find(([, configured]) => configured === port)?.[0];
  const chosen = option ? ` (choose another with ${option})` : '';
  if (code === 'EADDRINUSE') {
    return { line: `port ${port} on ${address} is in use by another program${chosen}`, expected: true };
  }
  if (code === 'EACCES' && port !== undefined) {
    return { line: `port ${port} on ${address} is not allowed for this user${chosen}`, expected: true };
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return { line: `${config.host} is not an address of this machine (choose another with --host)`, expected: true };
  }
  return { line: `the server could not start: ${message}`, expected: false };
}

type SystemFault = NodeJS.ErrnoException & { port: number; address: string };

/** The operating system's own error, which parts may have wrapped in what they were about to do. */
function systemFault(error: unknown): Partial<SystemFault> {
  const inner = error instanceof Error && !('code' in error) ? error.cause : undefined;
  return (inner instanceof Error && 'code' in inner ? inner : error) as NodeJS.ErrnoException;
}

/** For a parent that wants us gone when it is gone, however it ended. */
function stopWithStdin(stop: () => void): void {
  process.stdin.on('end', stop);
  process.stdin.on('error', stop);
  process.stdin.resume();
}

function complain(line: string): void {
  process.stderr.write(`fastim: ${line.replaceAll(/\s*\n\s*/g, ' ')}\n`);
}
