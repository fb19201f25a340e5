import { createHash, createHmac } from 'node:crypto';
import type { Clock, Random } from '@fastim/core';
import { FastimError } from '@fastim/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route takes Idempotency-Key. Names whose keys they are: two callers never meet. */
    idempotencyScope?: (request: FastifyRequest) => string;
  }
}

/** For the `headers` of a route with `idempotencyScope`; loose, since it stands for all headers of the request. */
export const idempotencyHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{16,128}$/, 'must be 16 to 128 visible ASCII characters')
    .optional()
    .meta({
      description:
        'Makes the call safe to repeat: within 24 hours the same key with the same body gets the same answer, with ' +
        'Idempotent-Replayed: true; with another body or route 409 ID_REUSED. 429 and 5xx are not remembered. ' +
        'Kept in memory: a restart forgets it.',
    }),
});

export interface IdempotencyOptions {
  clock: Clock;
  random: Random;
  keepMs?: number;
  maxAnswers?: number;
  maxBytes?: number;
}

interface Answer {
  fingerprint: string;
  status: number;
  contentType: string | undefined;
  body: string;
  expiresMs: number;
}

interface Leader {
  place: string;
  fingerprint: string;
  /** Resolves when the answer is known, whatever it is. */
  done: Promise<void>;
  end: () => void;
}

const DAY_MS = 24 * 3_600_000;
/** What an answer takes besides its text, roughly. */
const OVERHEAD_BYTES = 300;

/**
 * Idempotency-Key (reliability: an answer that got lost on its way). Of requests with one scope, key, route and body only
 * one is handled at a time, and its answer is the answer to all of them; a repeat also waits for the first, and takes its
 * place when that failed with 429 or 5xx. Answers hold tokens: they live in this process's memory and nowhere else, up to
 * a count, a size and an age; past these the oldest are forgotten and a repeat is a new request. To be added before the
 * routes. A route without `idempotencyScope` refuses the header, since ignoring it would break the caller's trust.
 */
export function addIdempotency(api: FastifyInstance, options: IdempotencyOptions): void {
  const { clock, random } = options;
  const answers = new RememberedAnswers(options);
  const underWay = new Map<string, Leader>();
  const leaders = new WeakMap<FastifyRequest, Leader>();
  // A body can hold a password: without this secret, its fingerprint is no help in guessing it.
  const secret = random.bytes(32);

  const fingerprintOf = (request: FastifyRequest): string => {
    const text = JSON.stringify([request.method, request.routeOptions.url, request.body ?? null]);
    return createHmac('sha256', secret).update(text).digest('base64');
  };

  api.addHook('onRequest', async (request) => {
    const { url, config } = request.routeOptions;
    if (request.headers['idempotency-key'] === undefined || url === undefined || config.idempotencyScope) return;
    throw new FastimError('BAD_REQUEST', 'Idempotency-Key is not supported here.');
  });

  api.addHook('preHandler', async (request, reply) => {
    const key = request.headers['idempotency-key'];
    const scope = request.routeOptions.config.idempotencyScope?.(request);
    if (typeof key !== 'string' || scope === undefined) return undefined;
    const place = createHash('sha256')
      .update(JSON.stringify([scope, key]))
      .digest('base64');
    const fingerprint = fingerprintOf(request);
    for (;;) {
      const known = answers.get(place, clock.now()) ?? underWay.get(place);
      if (known && known.fingerprint !== fingerprint) {
        throw new FastimError('ID_REUSED', 'The Idempotency-Key was used for another request.');
      }
      if (!known) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const leader = { place, fingerprint, done: promise, end: resolve };
        underWay.set(place, leader);
        leaders.set(request, leader);
        return undefined;
      }
      if ('body' in known) return replay(reply, known);
      await known.done;
    }
  });

  api.addHook('onSend', async (request, reply, payload) => {
    const leader = leaders.get(request);
    if (!leader) return;
    leaders.delete(request);
    const { place, fingerprint } = leader;
    const status = reply.statusCode;
    if (status < 500 && status !== 429 && (typeof payload === 'string' || payload == null)) {
      const contentType = reply.getHeader('content-type')?.toString();
      answers.add(place, { fingerprint, status, contentType, body: payload ?? '' }, clock.now());
    }
    underWay.delete(place);
    leader.end();
  });
}

function replay(reply: FastifyReply, { status, contentType, body }: Answer): FastifyReply {
  reply.header('Idempotent-Replayed', 'true').code(status);
  if (contentType !== undefined) reply.header('Content-Type', contentType);
  return reply.serializer((text) => text as string).send(body);
}

/** Oldest first; the oldest go when one of the bounds is passed. */
class RememberedAnswers {
  readonly #keepMs: number;
  readonly #maxAnswers: number;
  readonly #maxBytes: number;
  readonly #answers = new Map<string, Answer>();
  #bytes = 0;

  constructor({ keepMs = DAY_MS, maxAnswers = 10_000, maxBytes = 16 * 1024 * 1024 }: IdempotencyOptions) {
    this.#keepMs = keepMs;
    this.#maxAnswers = maxAnswers;
    this.#maxBytes = maxBytes;
  }

  get(place: string, now: number): Answer | undefined {
    const answer = this.#answers.get(place);
    return answer && now < answer.expiresMs ? answer : undefined;
  }

  add(place: string, answer: Omit<Answer, 'expiresMs'>, now: number): void {
    this.#remove(place);
    this.#answers.set(place, { ...answer, expiresMs: now + this.#keepMs });
    this.#bytes += sizeOf(answer);
    for (const [oldest, { expiresMs }] of this.#answers) {
      const within = this.#answers.size <= this.#maxAnswers && this.#bytes <= this.#maxBytes;
      if (within && now < expiresMs) break;
      this.#remove(oldest);
    }
  }

  #remove(place: string): void {
    const answer = this.#answers.get(place);
    if (!answer) return;
    this.#answers.delete(place);
    this.#bytes -= sizeOf(answer);
  }
}

function sizeOf(answer: Pick<Answer, 'body'>): number {
  return OVERHEAD_BYTES + 2 * answer.body.length;
}
