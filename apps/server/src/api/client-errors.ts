import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { FastimError } from '@fastim/protocol';
import { answerTo, HttpRefusal } from './error-answer.ts';

/**
 * The answer to bytes that never became a request (not HTTP, headers too large, too slow), written to the socket
 * itself; the connection ends with it, since nobody knows where the next request would begin.
 */
export function answerClientError(error: Error & { code?: string }, socket: Socket, requestId: string): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, body } = answerTo(refusalFor(error.code), requestId);
  const text = JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n` +
      'Content-Type: application/json; charset=utf-8\r\n' +
      `Content-Length: ${Buffer.byteLength(text)}\r\n` +
      'X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n' +
      text,
    // Without this a peer that never closes its side would keep the socket.
    () => socket.destroy(),
  );
}

function refusalFor(code: string | undefined): FastimError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new HttpRefusal(431, 'BAD_REQUEST', 'The headers are too large.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new FastimError('TIMEOUT');
    default:
      return new FastimError('BAD_REQUEST', 'That is not an HTTP request.');
  }
}
