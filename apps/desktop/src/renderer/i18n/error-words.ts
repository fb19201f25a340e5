import type { MessageId } from './messages-en.ts';
import type { Text } from './use-text.ts';

/** Names of the error catalogue, and ENGINE_LOST → words for people. */
const words: Readonly<Record<string, MessageId>> = {
  INVALID_CREDENTIALS: 'error.invalidCredentials',
  NAME_TAKEN: 'error.nameTaken',
  NAME_INVALID: 'error.nameInvalid',
  PASSWORD_INVALID: 'error.passwordInvalid',
  TOO_MANY_ATTEMPTS: 'error.tooManyAttempts',
  RATE_LIMITED: 'error.rateLimited',
  ENGINE_LOST: 'error.engineLost',
  UNAVAILABLE: 'error.unavailable',
  OVERLOADED: 'error.overloaded',
  STORAGE_FULL: 'error.storageFull',
  INTERNAL: 'error.internal',
  TIMEOUT: 'error.timeout',
  UPGRADE_REQUIRED: 'error.upgradeRequired',
  BAD_REQUEST: 'error.badRequest',
  UNAUTHENTICATED: 'error.unauthenticated',
  SESSION_ENDED: 'error.sessionEnded',
  NOT_ALLOWED: 'error.notAllowed',
  NOT_FOUND: 'error.notFound',
  NOT_A_MEMBER: 'error.notAMember',
  MESSAGE_INVALID: 'error.messageInvalid',
  MESSAGE_TOO_LONG: 'error.messageTooLong',
  ID_REUSED: 'error.idReused',
  MUTED: 'error.muted',
  GROUP_INVALID: 'error.groupInvalid',
  GROUP_FULL: 'error.groupFull',
  ALREADY_MEMBER: 'error.alreadyMember',
  OWNER_CANNOT_LEAVE: 'error.ownerCannotLeave',
  LINK_INVALID: 'error.linkInvalid',
  TARGET_INVALID: 'error.targetInvalid',
  TOO_LATE: 'error.tooLate',
  TOO_MANY: 'error.tooMany',
};

export function errorWords(text: Text, reason: string): string {
  const id = words[reason];
  return id === undefined ? text('error.other', { reason }) : text(id);
}

export interface Failure {
  /** A name of the error catalogue, or ENGINE_LOST: the call did not get to the engine, or its answer not back. */
  reason: string;
  /** English, for those who run the server. */
  detail: string;
  retryAfterMs: number;
}

/** Reads what a rejected call says; anything unforeseen is INTERNAL. */
/** The bridge broke before the answer: whether the call was done is not known. */
export function isLost(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'lost' in error && error.lost === true;
}

export function failureOf(error: unknown): Failure {
  const from = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  return {
    reason: isLost(error) ? 'ENGINE_LOST' : typeof from.reason === 'string' ? from.reason : 'INTERNAL',
    detail: typeof from.message === 'string' ? from.message : String(error),
    retryAfterMs: typeof from.retryAfterMs === 'number' ? from.retryAfterMs : 0,
  };
}
