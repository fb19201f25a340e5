import { randomBytes } from 'node:crypto';
import { type Agent, request } from 'node:http';
import { type BackoffPolicy, backoffDelay } from '@fastim/core';
import { Command, heartbeatRequest, heartbeatResponse, MessageKind, plainText, textBody } from '@fastim/protocol';
import { WireClient } from './wire-client.ts';

/** As the app's engine does (`defaultLimits.reconnect`). */
const RECONNECT: BackoffPolicy = { baseMs: 1_000, capMs: 30_000 };
const HTTP_TIMEOUT_MS = 15_000;
const HEARTBEAT_MS = 30_000;
const SEND_EVERY_MS = 500;

interface Gate {
  readonly gateId: string;
  readonly tcp: { readonly host: string; readonly port: number } | null;
  readonly ticket?: string;
}

export interface StormClientOptions {
  readonly userId: string;
  readonly accessToken: string;
  readonly serverUrls: readonly string[];
  /** Messages of its own go there; empty: it only listens. */
  readonly conversationId: string;
  readonly agent: Agent;
}

/** One logged-in device with the reconnection of the app: backoff with full jitter, then the LSB, then its gates in order. */
export class StormClient {
  readonly #options: StormClientOptions;
  #client: WireClient | undefined;
  #attempt = 0;
  #stopped = false;
  #writing = true;
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Its messages, oldest first, that were not acknowledged. */
  readonly #unacked: Uint8Array[] = [];
  readonly #acked: string[] = [];
  /** TCP port of the gate that it is connected to; 0: to none. */
  port = 0;
  lostAt = 0;
  /** Performance clock of this process, moved to ms since 1970. */
  backAt = 0;
  tries = 0;

  constructor(options: StormClientOptions) {
    this.#options = options;
  }

  get acked(): readonly string[] {
    return this.#acked;
  }

  get unacked(): number {
    return this.#unacked.length;
  }

  /** Starts at once; from then on it comes back whenever it is thrown out. */
  start(): void {
    void this.#come();
    this.#every(HEARTBEAT_MS, () => this.#beat());
    if (this.#options.conversationId !== '') this.#every(SEND_EVERY_MS, () => this.#write());
  }

  /** Writes nothing more. */
  quiet(): void {
    this.#writing = false;
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#client?.close();
  }

  async #come(): Promise<void> {
    try {
      this.tries += 1;
      const { gates, ticket, delayMs } = await this.#ask();
      if (delayMs > 0) await this.#sleep(delayMs);
      for (const gate of gates) {
        if (this.#stopped) return;
        if (gate.tcp && (await this.#connect(gate.tcp, gate.ticket ?? ticket))) return;
      }
      this.#later(0);
    } catch (error) {
      this.#later(error instanceof Refused ? error.retryAfterMs : 0);
    }
  }

  /** Whether it is logged in there now. */
  async #connect(tcp: { host: string; port: number }, ticket: string): Promise<boolean> {
    const { userId, accessToken } = this.#options;
    let over = false;
    let client: WireClient | undefined;
    try {
      client = await WireClient.connect(
        { userId, accessToken, ticket, tcp },
        {
          acked: ({ status, clientMsgId }) => {
            if (status) return;
            const id = Buffer.from(clientMsgId).toString('hex');
            const index = this.#unacked.findIndex((one) => Buffer.from(one).toString('hex') === id);
            if (index >= 0) this.#unacked.splice(index, 1);
            this.#acked.push(id);
          },
          failed: () => {
            over = true;
            client?.close();
            // Else who connects sees it, and goes on to the next gate: never two at it for one device.
            if (client !== undefined && this.#client === client) this.#lost();
          },
        },
      );
      if (over) return false;
      this.#client = client;
    } catch {
      return false;
    }
    this.port = tcp.port;
    this.backAt = Date.now();
    this.#attempt = 0;
    for (const id of this.#unacked) this.#send(id);
    return true;
  }

  #lost(): void {
    this.#client = undefined;
    this.port = 0;
    this.lostAt = Date.now();
    this.#later(0);
  }

  #later(retryAfterMs: number): void {
    if (this.#stopped) return;
    const jitter = backoffDelay(RECONNECT, this.#attempt, Math.random());
    this.#attempt += 1;
    const delay = retryAfterMs > 0 ? retryAfterMs + Math.min(jitter, retryAfterMs) : jitter;
    void this.#sleep(delay).then(() => (this.#stopped ? undefined : this.#come()));
  }

  #beat(): void {
    const mark = { conversationCount: 0, headSum: 0, readSum: 0, sinceMs: 0, versionSum: 0, peerSum: 0 };
    void this.#client?.ask(Command.heartbeat, heartbeatRequest, { mark }, heartbeatResponse);
  }

  #write(): void {
    if (!this.#client || !this.#writing) return;
    const id = randomBytes(16);
    this.#unacked.push(id);
    this.#send(id);
  }

  #send(clientMsgId: Uint8Array): void {
    this.#client?.send({
      clientMsgId,
      conversationId: BigInt(this.#options.conversationId),
      kind: MessageKind.text,
      body: textBody.encode(plainText('storm')),
    });
  }

  #every(ms: number, run: () => void): void {
    const timer = setInterval(run, ms * (0.8 + 0.4 * Math.random()));
    this.#timers.add(timer);
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        resolve();
      }, ms);
      this.#timers.add(timer);
    });
  }

  #ask(): Promise<{ gates: Gate[]; ticket: string; delayMs: number }> {
    const { serverUrls, accessToken, agent } = this.#options;
    const url = new URL('/v1/gates', serverUrls[Math.floor(Math.random() * serverUrls.length)]);
    const body = JSON.stringify({ clientVersion: 'fastim-storm/0.1.0' });
    return new Promise((resolve, reject) => {
      const asked = request(
        url,
        {
          method: 'POST',
          agent,
          timeout: HTTP_TIMEOUT_MS,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            authorization: `Bearer ${accessToken}`,
          },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk) => {
            text += chunk;
          });
          response.on('error', reject);
          response.on('end', () => {
            if (response.statusCode === 200) resolve(JSON.parse(text));
            else reject(new Refused(text));
          });
        },
      );
      asked.on('timeout', () => asked.destroy(new Error('no answer')));
      asked.on('error', reject);
      asked.end(body);
    });
  }
}

/** An answer of the server that is not what was asked for. */
class Refused extends Error {
  readonly retryAfterMs: number;

  constructor(text: string) {
    super(text);
    this.retryAfterMs = Number(/"retryAfterMs":\s*(\d+)/.exec(text)?.[1] ?? 0);
  }
}
