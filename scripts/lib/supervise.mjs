// Child processes of the launcher: started in their own process group, so that a Ctrl-C in the terminal reaches the
// launcher alone, which then stops them in order. Their standard input is a pipe that nobody writes to: when the
// launcher dies, however it dies, the pipe closes and they stop by themselves.
import { spawn } from 'node:child_process';
import { projectRoot } from './project.mjs';

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ stdout?: 'inherit' | 'pipe', stderr?: 'inherit' | 'pipe', env?: NodeJS.ProcessEnv }} [options]
 */
export function startChild(command, args, options = {}) {
  return spawn(command, args, {
    cwd: process.env.INIT_CWD ?? projectRoot,
    stdio: ['pipe', options.stdout ?? 'inherit', options.stderr ?? 'inherit'],
    env: { ...(options.env ?? process.env), FASTIM_STOP_WITH_STDIN: '1' },
    detached: process.platform !== 'win32',
  });
}

/**
 * Resolves with the exit code, 128 + n for a signal.
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<number>}
 */
export function exitOf(child) {
  return new Promise((resolve, reject) => {
    if (child.exitCode !== null) return resolve(child.exitCode);
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)));
  });
}

/**
 * Asks a child to stop; ends it after the time allowed.
 * @param {import('node:child_process').ChildProcess} child
 * @param {number} [patienceMs]
 */
export async function stopChild(child, patienceMs = 15_000) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await exitOf(child);
  clearTimeout(timer);
}

/**
 * Runs one child to its end and passes signals on.
 * @param {string} command
 * @param {string[]} args
 */
export async function superviseOne(command, args) {
  const child = startChild(command, args);
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.on(signal, () => child.kill('SIGTERM'));
  return exitOf(child);
}
