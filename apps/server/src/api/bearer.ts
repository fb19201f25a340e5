import { FastimError } from '@fastim/protocol';
import type { FastifyRequest } from 'fastify';
import type { Identity } from '../cluster/contract.ts';
import type { AccessVerifier } from '../logic/access-verifier.ts';

const RETRY_AFTER_MS = 2_000;

/** `Authorization: Bearer …`: the hook of the routes for logged-in callers. */
export class Bearer {
  readonly #access: AccessVerifier;
  readonly #identities = new WeakMap<FastifyRequest, Identity>();
  /** For a route's `onRequest`: refuses before the body is read. */
  readonly required: (request: FastifyRequest) => Promise<void>;

  constructor(access: AccessVerifier) {
    this.#access = access;
    this.required = async (request) => {
      this.#identities.set(request, await this.#identify(request));
    };
  }

  /** Only in routes with `required`. */
  identityOf(request: FastifyRequest): Identity {
    const identity = this.#identities.get(request);
    if (!identity) throw new Error('the route does not ask for a bearer token');
    return identity;
  }

  async #identify(request: FastifyRequest): Promise<Identity> {
    const token = /^Bearer +([A-Za-z0-9_-]+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (!token) throw new FastimError('UNAUTHENTICATED');
    const access = await this.#access.verify(token);
    switch (access.outcome) {
      case 'granted':
        return access.identity;
      case 'unauthenticated':
        throw new FastimError('UNAUTHENTICATED');
      case 'ended':
        throw new FastimError('SESSION_ENDED');
      case 'unavailable':
        throw new FastimError('UNAVAILABLE', undefined, { retryAfterMs: RETRY_AFTER_MS });
    }
  }
}
