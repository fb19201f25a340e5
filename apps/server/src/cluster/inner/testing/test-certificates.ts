/**
 * Certificates for tests, made when they are needed: Node signs, but does not make X.509, so the few structures of it are
 * written here in DER. EC keys, valid from 2020 to 2049.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TestCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface TestCa extends TestCertificate {
  issue(name: string): TestCertificate;
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  if (length < 128) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = Buffer.from(length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]);
  return Buffer.concat([Buffer.from([tag]), size, content]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
const nameOf = (common: string): Buffer => sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(common)))));
const yes = Buffer.from([0x01, 0x01, 0xff]);

function certify(subject: string, publicKey: KeyObject, issuer: { name: string; key: KeyObject }, ca: boolean): string {
  const extensions = [
    // Basic constraints, and for servers the names they answer to.
    sequence(oid('551d13'), yes, der(0x04, ca ? sequence(yes) : sequence())),
    ...(ca
      ? []
      : [
          sequence(
            oid('551d11'),
            der(0x04, sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))),
          ),
        ]),
  ];
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([0x01]), randomBytes(8)])),
    ecdsaWithSha256,
    nameOf(issuer.name),
    sequence(der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('491231235959Z'))),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, issuer.key);
  const whole = sequence(body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature));
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

function newKey(): { publicKey: KeyObject; privateKey: KeyObject; pem: string } {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { ...pair, pem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

export function testCa(name: string): TestCa {
  const { publicKey, pem } = newKey();
  const issuer = { name, key: createPrivateKey(pem) };
  return {
    cert: certify(name, publicKey, issuer, true),
    key: pem,
    issue(subject) {
      const own = newKey();
      return { cert: certify(subject, own.publicKey, issuer, false), key: own.pem };
    },
  };
}

/** Writes a certificate as the configuration wants it: paths of files, in a new folder of `parent`. */
export function certificateFiles(parent: string, certificate: TestCertificate, ca?: TestCertificate) {
  const directory = mkdtempSync(join(parent, 'certificate-'));
  const write = (name: string, text: string): string => {
    const file = join(directory, name);
    writeFileSync(file, text);
    return file;
  };
  return {
    certFile: write('cert.pem', certificate.cert),
    keyFile: write('key.pem', certificate.key),
    caFile: ca ? write('ca.pem', ca.cert) : '',
  };
}
