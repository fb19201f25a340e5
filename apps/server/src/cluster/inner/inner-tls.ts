import { readFileSync } from 'node:fs';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import type { Config } from '../../config.ts';

/** TLS of the inner links, as `node:tls` takes it on either side. */
export interface InnerTls {
  readonly server: TlsOptions;
  readonly client: ConnectionOptions;
}

/**
 * Reads the files of `cluster.tls`; undefined when none is named. With a CA each side wants a certificate of it from the
 * other; names in certificates do not count, since who somebody is is proved by the handshake inside, which is bound to
 * its TLS connection. Throws an error that names the key and the file.
 */
export function readInnerTls(config: Config['cluster']['tls']): InnerTls | undefined {
  const { certFile, keyFile, caFile } = config;
  if (!certFile && !keyFile && !caFile) return undefined;
  if (!certFile || !keyFile) throw new Error('cluster.tls.certFile and cluster.tls.keyFile have to be given together');
  const cert = read('cluster.tls.certFile', certFile);
  const key = read('cluster.tls.keyFile', keyFile);
  const ca = caFile ? read('cluster.tls.caFile', caFile) : undefined;
  const shared = { cert, key, ca, minVersion: 'TLSv1.3', rejectUnauthorized: ca !== undefined } as const;
  return {
    server: { ...shared, requestCert: ca !== undefined },
    client: { ...shared, checkServerIdentity: () => undefined },
  };
}

function read(name: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`${name}: ${file} cannot be read`, { cause: error });
  }
}
