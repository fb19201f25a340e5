import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface AckLine {
  conversationId: string;
  senderId: string;
  clientMsgId: string;
  msgId: string;
  convSeq: number;
  countNo: number;
  serverTimeMs: number;
}

export type ChildLine = AckLine | { ready: true } | { rejected: string } | { refused: string; message: string };

/** An append-child process whose lines can be waited for. */
export class AppendChild {
  readonly process: ChildProcess;
  readonly lines: ChildLine[] = [];
  readonly ended: Promise<void>;
  #watchers = new Set<() => void>();
  #errors = '';

  constructor(directory: string, label = 0, mode: 'append' | 'hold' = 'append') {
    const script = fileURLToPath(new URL('./append-child.ts', import.meta.url));
    const parameters = ['--conditions=fastim-source', script, directory, String(label), mode];
    this.process = spawn(process.execPath, parameters, { stdio: ['ignore', 'pipe', 'pipe'] });
    createInterface({ input: this.process.stdout! }).on('line', (line) => {
      this.lines.push(JSON.parse(line) as ChildLine);
      for (const watch of this.#watchers) watch();
    });
    this.process.stderr!.on('data', (data: Buffer) => {
      this.#errors += data.toString();
    });
    this.ended = new Promise((resolve) => {
      this.process.once('close', () => {
        resolve();
        for (const watch of this.#watchers) watch();
      });
    });
  }

  get acks(): AckLine[] {
    return this.lines.filter((line) => 'convSeq' in line);
  }

  /** Resolves as soon as the lines satisfy `condition`; rejects when the process ends without that. */
  async until(condition: (lines: readonly ChildLine[]) => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const watch = () => {
        const done = condition(this.lines);
        const ended = this.process.exitCode !== null || this.process.signalCode !== null;
        if (!done && !ended) return;
        this.#watchers.delete(watch);
        if (done) resolve();
        else reject(new Error(`the child ended: ${this.#errors || JSON.stringify(this.lines.at(-1))}`));
      };
      this.#watchers.add(watch);
      watch();
    });
  }

  /** kill -9, and everything it had said until then. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }
}
