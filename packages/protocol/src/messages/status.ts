import { type ErrorName, errorCatalogue, errorName, FastimError } from '../errors.ts';
import { fastim } from '../generated/fastim.js';
import { type Codec, codec, delayToWire, numberToWire, textToWire } from './codec.ts';

/** The outcome of a request that did not succeed. A response without one is OK. */
export interface Status {
  code: number;
  message: string;
  retryAfterMs: number;
  /** UPGRADE_REQUIRED only; else 0. */
  minVersion: number;
  maxVersion: number;
}

type WireStatus = fastim.v1.Status.$Properties;

export function statusToWire(status: Status): WireStatus {
  return {
    code: numberToWire(status.code),
    message: textToWire(status.message),
    retryAfterMs: delayToWire(status.retryAfterMs),
    minVersion: numberToWire(status.minVersion),
    maxVersion: numberToWire(status.maxVersion),
  };
}

export function statusFromWire(wire: WireStatus | null | undefined): Status | undefined {
  if (!wire?.code) return undefined;
  return {
    code: wire.code,
    message: wire.message ?? '',
    retryAfterMs: wire.retryAfterMs ?? 0,
    minVersion: wire.minVersion ?? 0,
    maxVersion: wire.maxVersion ?? 0,
  };
}

export function statusOf(reason: ErrorName, message?: string, retryAfterMs = 0): Status {
  const entry = errorCatalogue[reason];
  return { code: entry.code, message: message ?? entry.text, retryAfterMs, minVersion: 0, maxVersion: 0 };
}

export function statusToError(status: Status): FastimError {
  return new FastimError(errorName(status.code), status.message, { retryAfterMs: status.retryAfterMs });
}

/** Reads the status of any response (undefined: OK), and writes a response that is only a status. */
export const statusResponse: Codec<{ status: Status | undefined }> = codec(
  fastim.v1.StatusResponse,
  (value) => (value.status ? { status: statusToWire(value.status) } : {}),
  (wire) => ({ status: statusFromWire(wire.status) }),
);
