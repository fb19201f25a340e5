import { type ErrorName, errorCatalogue, FastimError } from '@fastim/protocol';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { Logger } from '../observe/logger.ts';
import { StorageError } from '../storage/storage.ts';

/** A refusal of HTTP itself, with a status that the error catalogue does not have. */
export class HttpRefusal extends FastimError {
  readonly status: number;

  constructor(status: number, reason: ErrorName, message: string) {
    super(reason, message);
    this.name = 'HttpRefusal';
    this.status = status;
  }
}

export interface ErrorAnswer {
  status: number;
  body: { error: { code: ErrorName; number: number; message: string; retryAfterMs: number; requestId: string } };
}

const RETRY_UNAVAILABLE_MS = 2_000;
const RETRY_FULL_MS = 30_000;

/** The answer to any error. Only what is the caller's to know goes into it; the rest is for the log. */
export function answerTo(error: unknown, requestId: string): ErrorAnswer {
  const refusal = toRefusal(error);
  const entry = errorCatalogue[refusal.reason];
  return {
    status: refusal instanceof HttpRefusal ? refusal.status : entry.http,
    body: {
      error: {
        code: refusal.reason,
        number: entry.code,
        message: refusal.message,
        retryAfterMs: refusal.retryAfterMs,
        requestId,
      },
    },
  };
}

export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): FastifyReply {
  const answer = answerTo(error, request.id);
  const { code, retryAfterMs } = answer.body.error;
  if (errorCatalogue[code].fault === 'ours') {
    logger.error({ err: error, requestId: request.id, route: request.routeOptions.url, code }, 'request failed');
  } else {
    logger.debug({ requestId: request.id, route: request.routeOptions.url, code }, 'request refused');
  }
  if (retryAfterMs > 0) reply.header('Retry-After', Math.ceil(retryAfterMs / 1000));
  // What is left of a body that we did not read would be taken for the next request.
  if (answer.status === 413 || answer.status === 408) reply.header('Connection', 'close');
  return reply.code(answer.status).type('application/json; charset=utf-8').send(answer.body);
}

function toRefusal(error: unknown): FastimError {
  if (error instanceof FastimError) return error;
  if (error instanceof StorageError) return fromStorage(error);
  if (hasZodFastifySchemaValidationErrors(error)) {
    const issue = error.validation[0];
    const place = `${error.validationContext ?? 'request'}${issue?.instancePath ?? ''}`;
    return new FastimError('BAD_REQUEST', `${place}: ${issue?.message ?? 'not allowed'}`.slice(0, 200));
  }
  switch ((error as Partial<FastifyError> | undefined)?.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new FastimError('FRAME_TOO_LARGE', 'The body is too large.');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HttpRefusal(415, 'BAD_REQUEST', 'The body has to be application/json.');
    // The caller went away in the middle of its body; nobody reads this answer.
    case 'ECONNRESET':
    case 'ERR_STREAM_PREMATURE_CLOSE':
      return new FastimError('BAD_REQUEST');
    default:
      return fromStatus((error as Partial<FastifyError> | undefined)?.statusCode);
  }
}

/** What the framework or a plugin refused: its 4xx are the caller's, everything else is ours. */
function fromStatus(status: number | undefined): FastimError {
  if (status === 403 || status === 404) return new FastimError('NOT_FOUND');
  if (status !== undefined && status >= 400 && status < 500) return new FastimError('BAD_REQUEST');
  return new FastimError('INTERNAL', undefined, { retryAfterMs: RETRY_UNAVAILABLE_MS });
}

function fromStorage(error: StorageError): FastimError {
  switch (error.kind) {
    case 'full':
      return new FastimError('STORAGE_FULL', undefined, { retryAfterMs: RETRY_FULL_MS });
    case 'busy':
      return new FastimError('OVERLOADED', undefined, { retryAfterMs: RETRY_UNAVAILABLE_MS });
    case 'io':
    case 'closed':
    // Another node has this one's number now; it takes another in a moment.
    case 'fenced':
      return new FastimError('UNAVAILABLE', undefined, { retryAfterMs: RETRY_UNAVAILABLE_MS });
    case 'corrupt':
    case 'other':
      return new FastimError('INTERNAL', undefined, { retryAfterMs: RETRY_UNAVAILABLE_MS });
  }
}
