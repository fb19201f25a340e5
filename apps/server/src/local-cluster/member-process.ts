import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface MemberCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly directory: string;
  /** Appended to. */
  readonly logFile: string;
  /** Another user, where root starts it. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** What ends the process when this one has died: it does so by itself (then it is only waited for), or by this signal. */
  readonly orphaned: 'ends itself' | 'QUIT' | 'TERM';
  /** Children of the process are signalled with it. */
  readonly withChildren?: boolean;
}

/**
 * One process of the cluster: in a session of its own, so that a Ctrl-C in the terminal reaches only this program, and
 * gone when this program is gone, however that died.
 */
export class MemberProcess {
  readonly pid: number;
  /** Resolves when it is gone, with the exit code or the signal. */
  readonly exited: Promise<number | string>;
  readonly #child: ChildProcess;
  readonly #withChildren: boolean;
  readonly #logFile: string;
  #running = true;
  #stdout = '';
  readonly #waiting = new Set<() => void>();

  private constructor(child: ChildProcess, pid: number, command: MemberCommand) {
    this.#child = child;
    this.pid = pid;
    this.#withChildren = command.withChildren ?? false;
    this.#logFile = command.logFile;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      // Nobody but us reads it, and only for the one line.
      if (this.#stdout.length < 64 * 1024) this.#stdout += text;
      this.#wake();
    });
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#running = false;
        this.#wake();
        resolve(code ?? signal ?? 'unknown');
      });
    });
    // Writing to it is never tried; that the other end is closed is no error.
    child.stdin?.on('error', () => undefined);
    const watchdog = watch(pid, command.orphaned);
    void this.exited.then(() => watchdog.kill('SIGKILL'));
  }

  /** Rejects when the program cannot be started at all. */
  static async start(command: MemberCommand): Promise<MemberProcess> {
    const log = openSync(command.logFile, 'a', 0o600);
    try {
      const child = spawn(command.command, command.args, {
        cwd: command.directory,
        env: command.env,
        stdio: ['pipe', 'pipe', log],
        detached: true,
        ...command.user,
      });
      await new Promise((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      return new MemberProcess(child, child.pid ?? 0, command);
    } finally {
      closeSync(log);
    }
  }

  get running(): boolean {
    return this.#running;
  }

  /** The first line it prints; rejects when it ends before, or takes too long. */
  async firstLine(patienceMs: number): Promise<string> {
    const deadline = performance.now() + patienceMs;
    while (!this.#stdout.includes('\n')) {
      if (!this.#running) throw new Error(`it ended with ${await this.exited}: ${this.lastLogLine()}`);
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`it was not ready after ${patienceMs} ms: ${this.lastLogLine()}`);
      await this.#moved(left);
    }
    return this.#stdout.slice(0, this.#stdout.indexOf('\n'));
  }

  /** Asks again and again until `answers` says true; rejects when the process ends before, or it takes too long. */
  async until(answers: () => Promise<boolean>, patienceMs: number): Promise<void> {
    const deadline = performance.now() + patienceMs;
    while (!(await answers())) {
      if (!this.#running) throw new Error(`it ended with ${await this.exited}: ${this.lastLogLine()}`);
      if (performance.now() > deadline) throw new Error(`no answer after ${patienceMs} ms: ${this.lastLogLine()}`);
      await sleep(50);
    }
  }

  /** Nothing happens to one that is gone. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    if (!this.#running) return;
    const children = this.#withChildren ? await childrenOf(this.pid) : [];
    this.#child.kill(signal);
    for (const pid of children) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  /** SIGTERM (or `signal`), and SIGKILL when that is not enough. A process that was stopped goes on first. */
  async stop(patienceMs: number, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.#running) return;
    this.#child.kill(signal);
    await this.signal('SIGCONT');
    const timer = setTimeout(() => void this.signal('SIGKILL'), patienceMs);
    await this.exited;
    clearTimeout(timer);
  }

  lastLogLine(): string {
    const lines = readFileSync(this.#logFile, 'utf8').trim().split('\n');
    return lines.at(-1)?.slice(0, 500) ?? '';
  }

  #wake(): void {
    for (const waiting of [...this.#waiting]) waiting();
  }

  /** Resolves when something was printed, the process ended, or the time is over. */
  #moved(patienceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, patienceMs);
      this.#waiting.add(done);
    });
  }
}

/** A shell that waits for the end of its input, which comes when we die, and then ends the process. */
function watch(pid: number, orphaned: MemberCommand['orphaned']): ChildProcess {
  const gently = orphaned === 'ends itself' ? '' : `kill -${orphaned} "$1" 2>/dev/null; `;
  const script =
    `read -r nothing; ${gently}kill -CONT "$1" 2>/dev/null; ` +
    'for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do kill -0 "$1" 2>/dev/null || exit 0; sleep 1; done; kill -KILL "$1"';
  const shell = spawn('/bin/sh', ['-c', script, 'sh', String(pid)], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell.on('error', () => undefined);
  shell.stdin.on('error', () => undefined);
  shell.unref();
  return shell;
}

/** Linux: from /proc. Elsewhere there are none, and the process is signalled alone. */
async function childrenOf(parent: number): Promise<number[]> {
  const names = await readdir('/proc').catch(() => [] as string[]);
  const found = await Promise.all(
    names
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
        // "pid (name, which may hold anything) state parent …"
        const parentPid = Number(stat.slice(stat.lastIndexOf(')') + 1).split(' ')[2]);
        return parentPid === parent ? Number(name) : 0;
      }),
  );
  return found.filter((pid) => pid > 0);
}
