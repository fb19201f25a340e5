import type { Clock, Random } from '@fastim/core';
import { type ErrorName, errorCatalogue, FastimError } from '@fastim/protocol';
import type { FastifyRequest } from 'fastify';
import type { LsbMetrics } from '../lsb/lsb-metrics.ts';
import type { Logger } from '../observe/logger.ts';
import type { HttpRecord, NodeDirectory } from '../registry/contract.ts';
import { RELAYED_HEADER, type RelaySeal } from './relay-seal.ts';
import { type GatesAnswer, gatesAnswer } from './routes/gates.ts';
import { errorBody } from './schemas.ts';

export interface LsbRelayOptions {
  readonly directory: Pick<NodeDirectory, 'nodes'>;
  readonly seal: RelaySeal;
  readonly clock: Clock;
  readonly random: Pick<Random, 'fraction'>;
  readonly logger: Logger;
  readonly metrics: LsbMetrics;
  /** Node's, where nothing else is said. */
  readonly fetch?: typeof globalThis.fetch;
}

const TRIES = 2;
const TRY_MS = 1_000;
/** One that did not answer is asked last for so long. */
const SUSPECT_MS = 5_000;
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Passes POST /v1/gates on to a live LSB: two tries, a second each. What an LSB refuses for good (a token that is not good,
 * too many clients at once) is the answer; when none answers, the process that was asked answers by itself, with the same
 * chooser. A request is passed on once: one that has been is never passed on again.
 */
export class LsbRelay {
  readonly #options: LsbRelayOptions;
  readonly #suspects = new Map<string, number>();

  constructor(options: LsbRelayOptions) {
    this.#options = options;
  }

  /** Undefined: nobody else answers. Rejects with what the LSB refused. */
  async ask(request: FastifyRequest, body: unknown): Promise<GatesAnswer | undefined> {
    if (request.headers[RELAYED_HEADER] !== undefined) return undefined;
    const lsbs = this.#inOrder();
    for (const lsb of lsbs.slice(0, TRIES)) {
      const answer = await this.#askOne(lsb, request, body);
      if (answer) {
        this.#options.metrics.relayed('answered');
        return answer;
      }
    }
    if (lsbs.length > 0) this.#options.metrics.relayed('failed');
    return undefined;
  }

  async #askOne(lsb: HttpRecord, request: FastifyRequest, body: unknown): Promise<GatesAnswer | undefined> {
    const { seal, clock, logger } = this.#options;
    const fetch = this.#options.fetch ?? globalThis.fetch;
    let status: number;
    let parsed: unknown;
    try {
      const response = await fetch(new URL('/v1/gates', lsb.url), {
        method: 'POST',
        redirect: 'error',
        headers: {
          'content-type': 'application/json',
          ...(request.headers.authorization && { authorization: request.headers.authorization }),
          [RELAYED_HEADER]: seal.seal({ address: request.ip, host: request.hostname }),
        },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(TRY_MS),
      });
      status = response.status;
      parsed = await readJson(response);
    } catch (error) {
      this.#suspects.set(lsb.nodeId, clock.now() + SUSPECT_MS);
      logger.warn({ err: error, lsb: lsb.name }, 'an LSB did not answer');
      return undefined;
    }
    const answer = gatesAnswer.safeParse(parsed);
    if (status === 200 && answer.success) return answer.data;
    const refusal = refusalIn(parsed);
    if (refusal && isFinal(refusal)) throw refusal;
    logger.warn({ lsb: lsb.name, status, code: refusal?.reason }, 'an LSB could not answer');
    return undefined;
  }

  /** At random, so that all get their part; those that did not answer lately come last. */
  #inOrder(): readonly HttpRecord[] {
    const { directory, clock, random } = this.#options;
    const now = clock.now();
    for (const [nodeId, until] of this.#suspects) if (until <= now) this.#suspects.delete(nodeId);
    return directory
      .nodes()
      .filter((node): node is HttpRecord => node.role === 'lsb')
      .map((node) => ({ node, rank: random.fraction() + (this.#suspects.has(node.nodeId) ? 1 : 0) }))
      .sort((left, right) => left.rank - right.rank)
      .map(({ node }) => node);
  }
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  return text.length > MAX_ANSWER_BYTES ? undefined : JSON.parse(text);
}

/** What the LSB itself could not do now, this process may be able to. */
function isFinal(refusal: FastimError): boolean {
  return refusal.fault === 'theirs' || refusal.reason === 'OVERLOADED';
}

function refusalIn(parsed: unknown): FastimError | undefined {
  const body = errorBody.safeParse(parsed);
  if (!body.success || !Object.hasOwn(errorCatalogue, body.data.error.code)) return undefined;
  const { code, message, retryAfterMs } = body.data.error;
  return new FastimError(code as ErrorName, message, { retryAfterMs });
}
