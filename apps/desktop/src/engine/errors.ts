import { type ErrorName, errorCatalogue, FastimError } from '@fastim/protocol';
import { StoreError } from './store.ts';

/** Whatever went wrong, as an error of the catalogue: the only kind that leaves the engine. */
export function asFastimError(error: unknown): FastimError {
  if (error instanceof FastimError) return error;
  if (error instanceof StoreError) {
    if (error.kind === 'full') return new FastimError('STORAGE_FULL', error.message, { cause: error });
    if (error.kind === 'in-use' || error.kind === 'closed') {
      return new FastimError('UNAVAILABLE', error.message, { cause: error });
    }
    if (error.kind === 'newer-version') return new FastimError('UPGRADE_REQUIRED', error.message, { cause: error });
    if (error.kind === 'stale') return new FastimError('SESSION_ENDED', error.message, { cause: error });
    return new FastimError('INTERNAL', error.message, { cause: error });
  }
  return new FastimError('INTERNAL', undefined, { cause: error });
}

export function isErrorName(name: unknown): name is ErrorName {
  return typeof name === 'string' && Object.hasOwn(errorCatalogue, name);
}

/** For log lines: what it was, without the text a user wrote. */
export function describe(error: unknown): { error: string; reason?: ErrorName; cause?: string } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : undefined;
  return {
    error: error instanceof Error ? error.message : String(error),
    ...(error instanceof FastimError && { reason: error.reason }),
    ...(cause !== undefined && { cause }),
  };
}
