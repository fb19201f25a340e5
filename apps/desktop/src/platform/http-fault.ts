import type { HttpFault } from '../engine/http-failure.ts';

/** The last three: hung up without a word, as a connection does that was kept open when its server died. */
const addressCodes =
  /^(ENOTFOUND|EAI_.*|ECONNREFUSED|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|EACCES|EINVAL|ERR_INVALID_URL|ECONNRESET|EPIPE|UND_ERR_SOCKET)$/;
const timeoutCodes = /^(ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT)$/;
/** OpenSSL's verdicts on a certificate, Node's own, and a handshake with what speaks no TLS. */
const tlsCodes = /^(ERR_(SSL|TLS)_.*|EPROTO|(CERT|CRL|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|INVALID|HOSTNAME|ERROR_IN)_.*)$/;

/** What Node's fetch says by its error codes before there is a response; what has none that we know did answer, somehow. */
export function httpFaultOf(error: unknown): HttpFault {
  if (error instanceof Error && error.name === 'TimeoutError') return 'timeout';
  const { cause } = (error ?? {}) as { cause?: unknown };
  // No code: fetch itself refuses the ports of other well-known services.
  if (cause instanceof Error && cause.message === 'bad port') return 'address';
  const code = codeOf(error) ?? codeOf(cause) ?? '';
  if (addressCodes.test(code)) return 'address';
  if (timeoutCodes.test(code)) return 'timeout';
  return tlsCodes.test(code) ? 'tls' : 'answer';
}

/** Of several addresses that were tried, the first one's. */
function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  if (typeof code === 'string') return code;
  return error instanceof AggregateError ? codeOf(error.errors[0]) : undefined;
}
