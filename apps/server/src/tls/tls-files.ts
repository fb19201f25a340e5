import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock } from '@fastim/core';
import { Gauge, type Registry } from 'prom-client';
import type { Logger } from '../observe/logger.ts';

/** The certificate or its key cannot be used; the message names the key of the configuration and the file. */
export class TlsRefusal extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'TlsRefusal';
  }
}

export interface TlsFilesOptions {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
}

interface Loaded {
  readonly context: SecureContext;
  readonly expiresMs: number;
}

const EXPIRES_SOON_MS = 14 * 24 * 3_600_000;

/**
 * Certificate and key of the public ports. New connections get what was read last; those there are keep theirs.
 */
export class TlsFiles {
  readonly #options: TlsFilesOptions;
  #loaded: Loaded;

  /** Throws TlsRefusal. */
  constructor(options: TlsFilesOptions) {
    this.#options = options;
    this.#loaded = load(options);
    this.#warn();
    const expires: Gauge = new Gauge({
      name: 'fastim_tls_certificate_expires_seconds',
      help: 'When the certificate of the public ports expires, in seconds since 1970.',
      registers: [options.registry],
      collect: () => {
        expires.set(this.#loaded.expiresMs / 1_000);
      },
    });
  }

  get context(): SecureContext {
    return this.#loaded.context;
  }

  /** Reads both files again. When they cannot be used, everything stays as it was, and the log says why. */
  reload(): void {
    try {
      this.#loaded = load(this.#options);
      this.#options.logger.info(
        { expires: new Date(this.#loaded.expiresMs).toISOString() },
        'the certificate was read',
      );
      this.#warn();
    } catch (error) {
      this.#options.logger.error({ err: error }, 'the certificate was not changed: its files cannot be used');
    }
  }

  #warn(): void {
    const { expiresMs } = this.#loaded;
    const { clock, logger } = this.#options;
    const expires = new Date(expiresMs).toISOString();
    if (expiresMs <= clock.now()) logger.error({ expires }, 'the certificate has expired: clients will refuse it');
    else if (expiresMs - clock.now() < EXPIRES_SOON_MS) logger.warn({ expires }, 'the certificate expires soon');
  }
}

function load({ certFile, keyFile }: TlsFilesOptions): Loaded {
  const cert = read(certFile, 'tls.certFile');
  const key = read(keyFile, 'tls.keyFile');
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch (error) {
    throw new TlsRefusal(`tls.certFile: ${certFile} holds no certificate in PEM`, error);
  }
  let matches: boolean;
  try {
    matches = certificate.checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw new TlsRefusal(`tls.keyFile: ${keyFile} holds no private key in PEM (without a passphrase)`, error);
  }
  if (!matches) throw new TlsRefusal(`tls.keyFile: ${keyFile} is not the key of the certificate in ${certFile}`);
  try {
    const context = createSecureContext({ cert, key, minVersion: 'TLSv1.2' });
    return { context, expiresMs: Date.parse(certificate.validTo) };
  } catch (error) {
    throw new TlsRefusal(`tls.certFile: ${certFile} cannot be used: ${(error as Error).message}`, error);
  }
}

function read(file: string, name: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new TlsRefusal(`${name}: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? 'error'})`, error);
  }
}
