/**
 * Why no whole answer arrived: nobody is at the address (or hangs up without a word), no secure connection, nothing within the time, or something
 * answered that is not the HTTP we take (no HTTP at all, a redirect, too long, cut off).
 */
export type HttpFault = 'address' | 'tls' | 'timeout' | 'answer';

/** What an HttpPort rejects with. */
export class HttpFailure extends Error {
  readonly fault: HttpFault;

  constructor(fault: HttpFault, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'HttpFailure';
    this.fault = fault;
  }
}
