import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DriverAnswer, DriverCalls } from './driver-calls.ts';

const entry = fileURLToPath(new URL('driver.ts', import.meta.url));
const END_MS = 10_000;

/** A driver process, as the run sees it. A call rejects when the process ends. */
export class DriverProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  readonly #exited: Promise<void>;
  #nextId = 0;
  #running = true;

  constructor(directory: string, name: string) {
    this.#child = fork(entry, [directory, name], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (message: DriverAnswer) => {
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.error === undefined) waiting?.resolve(message.result as never);
      else waiting?.reject(new Error(message.error));
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#running = false;
        for (const { reject } of this.#waiting.values()) {
          reject(new Error(`driver ${name} ended (${code ?? signal})`));
        }
        this.#waiting.clear();
        resolve();
      });
    });
  }

  call<Name extends keyof DriverCalls>(
    call: Name,
    params: DriverCalls[Name]['params'],
  ): Promise<DriverCalls[Name]['result']> {
    if (!this.#running) return Promise.reject(new Error('the driver has ended'));
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, call, params });
    });
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    if (!this.#running) return;
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_MS);
    await this.call('close', {}).catch(() => undefined);
    if (this.#running) this.#child.kill('SIGTERM');
    await this.#exited;
    clearTimeout(timer);
  }
}
