import { readFileSync } from 'node:fs';
import WebSocket from 'ws';

export interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
}

/** The inspector of a process that was started with `--inspect` on loopback and says so in its log. */
export class ProcessInspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: { result?: unknown; error?: unknown }) => void>();
  #nextId = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (text) => {
      const message = JSON.parse(String(text)) as { id?: number; result?: unknown; error?: unknown };
      if (message.id === undefined) return;
      this.#waiting.get(message.id)?.(message);
      this.#waiting.delete(message.id);
    });
  }

  static async open(logFile: string): Promise<ProcessInspector> {
    const url = /Debugger listening on (ws:\/\/127\.0\.0\.1:\S+)/.exec(readFileSync(logFile, 'utf8'))?.[1];
    if (!url) throw new Error(`no inspector in ${logFile}`);
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return new ProcessInspector(socket);
  }

  /** After everything that can be collected is. */
  async memory(): Promise<Memory> {
    for (let count = 0; count < 3; count += 1) await this.#ask('HeapProfiler.collectGarbage', {});
    const { result } = (await this.#ask('Runtime.evaluate', {
      expression: 'process.memoryUsage()',
      returnByValue: true,
    })) as { result: { value: Memory } };
    return result.value;
  }

  close(): void {
    this.#socket.close();
  }

  #ask(method: string, params: object): Promise<unknown> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error) reject(new Error(`${method}: ${JSON.stringify(error)}`));
        else resolve(result);
      });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }
}
