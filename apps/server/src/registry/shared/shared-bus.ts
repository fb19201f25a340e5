import type { Clock, Random } from '@fastim/core';
import type { Logger } from 'pino';
import {
  type ClusterAnswer,
  type ClusterBus,
  type ClusterEvent,
  type ClusterQuestion,
  RegistryUnavailable,
} from '../contract.ts';
import { readClusterEvent, readReply } from './node-records.ts';
import type { Pulse } from './pulse.ts';
import { channels, type RegistryBackend } from './registry-backend.ts';

/** An answer longer than this is not sent. */
const MAX_ANSWER_CHARS = 4 * 1024 * 1024;
const MAX_ANSWERS = 10_000;

interface Asking {
  readonly answers: ClusterAnswer[];
  readonly expected: number;
  done(): void;
}

/** Orders and questions over publish and subscribe. */
export class SharedBus implements ClusterBus {
  readonly #backend: RegistryBackend;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #nodeId: string;
  readonly #listeners = new Set<(event: ClusterEvent) => void>();
  readonly #resumed = new Set<(lostAtMs: number) => void>();
  readonly #asking = new Map<string, Asking>();
  #lostAtMs: number | undefined;
  #stopped = false;

  constructor(options: {
    backend: RegistryBackend;
    pulse: Pulse;
    clock: Clock;
    random: Random;
    logger: Logger;
    nodeId: string;
  }) {
    this.#backend = options.backend;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#logger = options.logger;
    this.#nodeId = options.nodeId;
    const replies = channels.replies(options.nodeId);
    options.pulse.listen({
      message: (channel, text) => {
        if (channel === channels.bus) this.#heard(text);
        else if (channel === replies) this.#answered(text);
      },
      subscriptionLost: () => {
        this.#lostAtMs ??= this.#clock.now();
      },
      subscribed: () => {
        const lostAtMs = this.#lostAtMs;
        this.#lostAtMs = undefined;
        if (lostAtMs !== undefined) for (const listener of this.#resumed) listener(lostAtMs);
      },
    });
    this.#backend.subscribe(channels.bus);
    this.#backend.subscribe(replies);
  }

  publish(event: ClusterEvent): Promise<void> {
    return this.#backend.publish(channels.bus, JSON.stringify(event));
  }

  subscribe(listener: (event: ClusterEvent) => void): () => void {
    const own = (event: ClusterEvent): void => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  onResumed(listener: (lostAtMs: number) => void): () => void {
    const own = (lostAtMs: number): void => listener(lostAtMs);
    this.#resumed.add(own);
    return () => this.#resumed.delete(own);
  }

  async ask(question: ClusterQuestion, expected: number, timeoutMs: number): Promise<readonly ClusterAnswer[]> {
    if (this.#stopped) throw new RegistryUnavailable('the registry is stopped');
    if (expected <= 0) return [];
    const askId = `${this.#nodeId} ${Buffer.from(this.#random.bytes(12)).toString('hex')}`;
    const over = Promise.withResolvers<void>();
    const asking: Asking = { answers: [], expected: Math.min(expected, MAX_ANSWERS), done: over.resolve };
    this.#asking.set(askId, asking);
    const cancel = this.#clock.setTimer(timeoutMs, over.resolve);
    try {
      await this.publish({ type: 'ask', askId, question });
      await over.promise;
      return asking.answers;
    } finally {
      cancel();
      this.#asking.delete(askId);
    }
  }

  reply(askId: string, answer: ClusterAnswer): void {
    const asker = askId.slice(0, askId.lastIndexOf(' '));
    let text = JSON.stringify({ askId, answer });
    if (text.length > MAX_ANSWER_CHARS) {
      this.#logger.error({ askId, length: text.length }, 'an answer to a question of the cluster is too long');
      text = JSON.stringify({ askId, answer: { ...answer, found: null } });
    }
    this.#backend.publish(channels.replies(asker), text).catch((error: unknown) => {
      this.#logger.warn({ err: error, askId }, 'an answer to a question of the cluster could not be sent');
    });
  }

  /** Questions under way end with the answers they have. */
  stop(): void {
    this.#stopped = true;
    for (const asking of this.#asking.values()) asking.done();
  }

  #heard(text: string): void {
    const event = readClusterEvent(text);
    if (!event) {
      this.#logger.warn({ event: text.slice(0, 200) }, 'an order on the bus is not one');
      return;
    }
    for (const listener of this.#listeners) listener(event);
  }

  #answered(text: string): void {
    const reply = readReply(text);
    if (!reply) {
      this.#logger.warn({ answer: text.slice(0, 200) }, 'an answer on the bus is not one');
      return;
    }
    const asking = this.#asking.get(reply.askId);
    if (!asking || asking.answers.length >= asking.expected) return;
    asking.answers.push(reply.answer);
    if (asking.answers.length >= asking.expected) asking.done();
  }
}
