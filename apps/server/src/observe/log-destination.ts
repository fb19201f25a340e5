import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

const STANDARD_ERROR = 2;

/**
 * Where log lines go: each is handed to the operating system before the call returns. A log that cannot be written
 * (disk full, reader gone) never stops or holds up the server: such lines are dropped and counted, and the next one that
 * can be written is preceded by one that says how many are missing.
 */
export class LogDestination {
  readonly #file: string;
  #fd: number | undefined;
  #lost = 0;
  #lostBecause = '';
  /** The last write ended in the middle of a line. */
  #torn = false;

  /** Empty: standard error. Throws when the file cannot be opened. */
  constructor(file: string) {
    this.#file = file;
    this.#fd = this.#open();
  }

  write(line: string): void {
    if (this.#fd === undefined) return;
    if (this.#lost > 0 && !this.#writeWhole(`${this.#lossLine()}\n`)) {
      this.#lost += 1;
      return;
    }
    if (this.#writeWhole(line)) this.#lost = 0;
    else this.#lost += 1;
  }

  /** The old file stays in use when the new one cannot be opened. */
  reopen(): void {
    if (this.#file === '' || this.#fd === undefined) return;
    const before = this.#fd;
    try {
      this.#fd = this.#open();
    } catch (error) {
      this.#lostBecause = codeOf(error);
      this.write(`${this.#reopenLine()}\n`);
      return;
    }
    closeSync(before);
  }

  /** Idempotent. */
  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined && fd !== STANDARD_ERROR) closeSync(fd);
  }

  #open(): number {
    if (this.#file === '') return STANDARD_ERROR;
    mkdirSync(dirname(this.#file), { recursive: true });
    return openSync(this.#file, 'a');
  }

  #writeWhole(text: string): boolean {
    const bytes = Buffer.from(this.#torn ? `\n${text}` : text);
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(this.#fd!, bytes, written);
      this.#torn = false;
      return true;
    } catch (error) {
      if (written > 0) this.#torn = true;
      this.#lostBecause = codeOf(error);
      return false;
    }
  }

  #lossLine(): string {
    return line({ level: 50, lost: this.#lost, code: this.#lostBecause, msg: 'log lines could not be written' });
  }

  #reopenLine(): string {
    return line({ level: 50, code: this.#lostBecause, msg: 'the log file could not be opened anew' });
  }
}

function line(fields: { level: number; lost?: number; code: string; msg: string }): string {
  return JSON.stringify({ ...fields, time: new Date().toISOString() });
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
