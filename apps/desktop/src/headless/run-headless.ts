/** From the command line to a running host: options, the ready line, signals, exit codes. */
import { once } from 'node:events';
import pino from 'pino';
import { AppNotBuilt } from './app-server.ts';
import { type HeadlessHost, startHeadlessHost } from './headless-host.ts';
import { headlessHelp, OptionsError, parseHeadlessOptions } from './options.ts';

/** Resolves with the exit code: 0 stopped as asked, 1 could not run, 2 bad options. */
export async function runHeadless(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (typeof options === 'number') return options;
  const logger = pino({ level: options.logLevel, name: 'fastim-desktop' }, pino.destination({ dest: 2, sync: true }));
  const stop = stopRequested();
  let host: HeadlessHost;
  try {
    host = await startHeadlessHost({ ...options, logger });
  } catch (error) {
    process.stderr.write(`FastIM desktop: ${explain(error, options.port)}\n`);
    return 1;
  }
  process.stdout.write(`FastIM desktop ready  ${host.address()}\n`);
  await stop;
  await host.stop();
  return 0;
}

function readOptions(args: readonly string[]) {
  try {
    const options = parseHeadlessOptions(args, process.env, process.cwd());
    if (options !== 'help') return options;
    process.stdout.write(`${headlessHelp()}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    process.stderr.write(`FastIM desktop: ${error.message}\n`);
    return 2;
  }
}

/** Asked for by SIGTERM or SIGINT, or, under a launcher, by the end of standard input: the launcher is gone. */
async function stopRequested(): Promise<void> {
  const requests: Promise<unknown>[] = [once(process, 'SIGTERM'), once(process, 'SIGINT')];
  if (process.env.FASTIM_STOP_WITH_STDIN === '1') {
    process.stdin.resume();
    requests.push(once(process.stdin, 'close'));
  }
  await Promise.race(requests);
}

function explain(error: unknown, port: number): string {
  if (error instanceof AppNotBuilt) return error.message;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return `port ${port} on 127.0.0.1 is in use; choose another with --port`;
  if (code === 'EACCES' || code === 'EPERM') return `no permission: ${(error as Error).message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
