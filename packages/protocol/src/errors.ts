/**
 * The one error catalogue: binary protocol, HTTP API and docs use the same names and numbers.
 * A test keeps this table and PROTOCOL.md in step. Codes are never reused.
 */

/** Whose fault: the caller's (`theirs`) or the server's (`ours`). */
export type Fault = 'theirs' | 'ours';
/** What a client does: give up, try again after the delay, or get new credentials first. */
export type Retry = 'never' | 'later' | 'refresh';

interface CatalogueEntry {
  readonly code: number;
  readonly http: number;
  readonly fault: Fault;
  readonly retry: Retry;
  readonly text: string;
}

export const errorCatalogue = {
  // 1xx: the frame or request itself
  BAD_REQUEST: { code: 100, http: 400, fault: 'theirs', retry: 'never', text: 'The request cannot be read.' },
  FRAME_TOO_LARGE: { code: 101, http: 413, fault: 'theirs', retry: 'never', text: 'The frame is over the limit.' },
  BAD_FRAME: { code: 102, http: 400, fault: 'theirs', retry: 'never', text: 'The bytes are not a frame.' },
  UNKNOWN_CMD: { code: 103, http: 404, fault: 'theirs', retry: 'never', text: 'No such command.' },
  DUP_SEQ: { code: 104, http: 409, fault: 'theirs', retry: 'never', text: 'The sequenceId did not rise.' },
  UPGRADE_REQUIRED: { code: 105, http: 426, fault: 'theirs', retry: 'never', text: 'This version is not supported.' },
  // 2xx: who is asking
  UNAUTHENTICATED: { code: 200, http: 401, fault: 'theirs', retry: 'refresh', text: 'Log in first.' },
  ALREADY_BOUND: { code: 201, http: 409, fault: 'theirs', retry: 'never', text: 'This connection is logged in.' },
  INVALID_CREDENTIALS: { code: 202, http: 401, fault: 'theirs', retry: 'never', text: 'Wrong user name or password.' },
  SESSION_ENDED: { code: 203, http: 401, fault: 'theirs', retry: 'never', text: 'This session was ended.' },
  NOT_ALLOWED: { code: 204, http: 403, fault: 'theirs', retry: 'never', text: 'You may not do this.' },
  ORIGIN_REFUSED: { code: 205, http: 403, fault: 'theirs', retry: 'never', text: 'This origin is not allowed.' },
  MUTED: { code: 206, http: 403, fault: 'theirs', retry: 'never', text: 'You may not write here now.' },
  TICKET_INVALID: { code: 207, http: 401, fault: 'theirs', retry: 'later', text: 'Ask for a gate and a ticket again.' },
  // 3xx: what is asked for
  NOT_FOUND: { code: 300, http: 404, fault: 'theirs', retry: 'never', text: 'Not found.' },
  NAME_TAKEN: { code: 301, http: 409, fault: 'theirs', retry: 'never', text: 'This user name is taken.' },
  NAME_INVALID: { code: 302, http: 400, fault: 'theirs', retry: 'never', text: 'This user name is not allowed.' },
  PASSWORD_INVALID: { code: 303, http: 400, fault: 'theirs', retry: 'never', text: 'This password is not allowed.' },
  NOT_A_MEMBER: { code: 304, http: 404, fault: 'theirs', retry: 'never', text: 'Not a member of this conversation.' },
  MESSAGE_INVALID: { code: 305, http: 400, fault: 'theirs', retry: 'never', text: 'The message cannot be accepted.' },
  MESSAGE_TOO_LONG: { code: 306, http: 413, fault: 'theirs', retry: 'never', text: 'The message is too long.' },
  ID_REUSED: { code: 307, http: 409, fault: 'theirs', retry: 'never', text: 'The id was used with another body.' },
  GROUP_INVALID: { code: 308, http: 400, fault: 'theirs', retry: 'never', text: 'This is not allowed for a group.' },
  GROUP_FULL: { code: 309, http: 409, fault: 'theirs', retry: 'never', text: 'The group is full.' },
  ALREADY_MEMBER: { code: 310, http: 409, fault: 'theirs', retry: 'never', text: 'Already a member.' },
  OWNER_CANNOT_LEAVE: {
    code: 311,
    http: 409,
    fault: 'theirs',
    retry: 'never',
    text: 'Give the group to another first.',
  },
  LINK_INVALID: { code: 312, http: 404, fault: 'theirs', retry: 'never', text: 'This link does not work (any more).' },
  TARGET_INVALID: { code: 313, http: 404, fault: 'theirs', retry: 'never', text: 'No such message to refer to.' },
  TOO_LATE: { code: 314, http: 409, fault: 'theirs', retry: 'never', text: 'The time for this has passed.' },
  TOO_MANY: { code: 315, http: 413, fault: 'theirs', retry: 'never', text: 'Too many at once.' },
  CURSOR_INVALID: { code: 316, http: 400, fault: 'theirs', retry: 'never', text: 'No message with this conv_seq yet.' },
  // 4xx: how often
  RATE_LIMITED: { code: 400, http: 429, fault: 'theirs', retry: 'later', text: 'Too many requests.' },
  TOO_MANY_ATTEMPTS: { code: 401, http: 429, fault: 'theirs', retry: 'later', text: 'Too many failed attempts.' },
  // 5xx: us
  INTERNAL: { code: 500, http: 500, fault: 'ours', retry: 'later', text: 'Something failed on our side.' },
  UNAVAILABLE: { code: 501, http: 503, fault: 'ours', retry: 'later', text: 'Not available now.' },
  OVERLOADED: { code: 502, http: 503, fault: 'ours', retry: 'later', text: 'Too busy now.' },
  STORAGE_FULL: { code: 503, http: 507, fault: 'ours', retry: 'later', text: 'The server cannot store more now.' },
  TIMEOUT: { code: 504, http: 408, fault: 'theirs', retry: 'later', text: 'The request took too long to arrive.' },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorName = keyof typeof errorCatalogue;

const byCode = new Map<number, ErrorName>(
  (Object.keys(errorCatalogue) as ErrorName[]).map((name) => [errorCatalogue[name].code, name]),
);

/** A code this build does not know (a newer server) reads as INTERNAL: try again later. */
export function errorName(code: number): ErrorName {
  return byCode.get(code) ?? 'INTERNAL';
}

/** An answer from the catalogue, thrown on the way to the boundary that turns it into a status. */
export class FastimError extends Error {
  readonly reason: ErrorName;
  readonly retryAfterMs: number;

  constructor(reason: ErrorName, message?: string, options?: { retryAfterMs?: number; cause?: unknown }) {
    super(message ?? errorCatalogue[reason].text, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'FastimError';
    this.reason = reason;
    this.retryAfterMs = options?.retryAfterMs ?? 0;
  }

  get code(): number {
    return errorCatalogue[this.reason].code;
  }

  get fault(): Fault {
    return errorCatalogue[this.reason].fault;
  }
}

/** The peer broke the protocol: their fault. */
export class RemoteProtocolError extends FastimError {
  constructor(reason: ErrorName, message?: string, options?: { cause?: unknown }) {
    super(reason, message, options);
    this.name = 'RemoteProtocolError';
  }
}

/** Our own code asked for something the protocol does not allow: a bug of ours. */
export class LocalProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'LocalProtocolError';
  }
}
