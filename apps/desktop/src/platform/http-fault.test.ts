import { expect, it } from 'vitest';
import { httpFaultOf } from './http-fault.ts';

const coded = (code: string) => Object.assign(new Error('x'), { code });
/** As fetch rejects. */
const fetchFailed = (cause: unknown) => new TypeError('fetch failed', { cause });

it.each([
  ['ENOTFOUND', 'address'],
  ['EAI_AGAIN', 'address'],
  ['ECONNREFUSED', 'address'],
  ['ENETUNREACH', 'address'],
  ['EHOSTUNREACH', 'address'],
  ['ERR_INVALID_URL', 'address'],
  ['ECONNRESET', 'address'],
  ['UND_ERR_SOCKET', 'address'],
  ['ETIMEDOUT', 'timeout'],
  ['UND_ERR_CONNECT_TIMEOUT', 'timeout'],
  ['UND_ERR_BODY_TIMEOUT', 'timeout'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'tls'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls'],
  ['CERT_HAS_EXPIRED', 'tls'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'tls'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls'],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'tls'],
  ['EPROTO', 'tls'],
  ['SOMETHING_NEW', 'answer'],
])('%s is of kind %s', (code, fault) => {
  expect(httpFaultOf(fetchFailed(coded(code)))).toBe(fault);
  expect(httpFaultOf(fetchFailed(new AggregateError([coded(code), coded('EPIPE')])))).toBe(fault);
});

it('knows the end of our own patience from other ends', () => {
  expect(httpFaultOf(new DOMException('too late', 'TimeoutError'))).toBe('timeout');
  expect(httpFaultOf(new DOMException('called off', 'AbortError'))).toBe('answer');
  expect(httpFaultOf(fetchFailed(new Error('unexpected redirect')))).toBe('answer');
  expect(httpFaultOf(fetchFailed(new Error('bad port')))).toBe('address');
  expect(httpFaultOf(undefined)).toBe('answer');
});
