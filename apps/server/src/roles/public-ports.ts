import { hostname } from 'node:os';
import type { Clock } from '@fastim/core';
import type { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import { bracketed, isWildcard } from '../lsb/gate-directory.ts';
import type { Logger } from '../observe/logger.ts';
import type { HostPort } from '../registry/contract.ts';
import { TlsFiles } from '../tls/tls-files.ts';

/** Certificate and key of the public ports, if there are any. */
export function openTls(
  config: Pick<Config, 'tls'>,
  parts: { clock: Clock; logger: Logger; registry: Registry },
): TlsFiles | undefined {
  return config.tls.certFile ? new TlsFiles({ ...config.tls, ...parts }) : undefined;
}

/** For people on this machine. */
export function shownUrl(config: Pick<Config, 'host'>, port: number, secure: boolean): string {
  const host = bracketed(isWildcard(config.host) ? '127.0.0.1' : config.host);
  return `${secure ? 'https' : 'http'}://${host}:${port}`;
}

export function metricsAddress(config: Pick<Config, 'metricsHost'>, port: number): HostPort {
  return { host: isWildcard(config.metricsHost) ? hostname() : config.metricsHost, port };
}
