import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestApi } from './testing/test-api.ts';

let app: TestApi;
let port: number;
beforeAll(async () => {
  app = await TestApi.open({ api: { requestTimeoutMs: 600, headersTimeoutMs: 300 } });
  port = await app.parts.server.start();
});
afterAll(() => app.close());

interface Said {
  text: string;
  /** Status codes of the answers, in order. */
  statuses: number[];
  /** How long the server took to end the connection. */
  ms: number;
}

/** Writes raw bytes and reads until the server ends the connection. */
function talk(first: string | Buffer, drip?: { bytes: string; everyMs: number }): Promise<Said> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const deadline = setTimeout(() => socket.destroy(new Error(`still open after 10 s: ${text}`)), 10_000);
    let dripping: NodeJS.Timeout | undefined;
    let failure: Error | undefined;
    socket.on('connect', () => {
      socket.write(first);
      if (drip) dripping = setInterval(() => socket.writable && socket.write(drip.bytes), drip.everyMs);
    });
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // The server may close while we still write.
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') failure = error;
    });
    socket.on('close', () => {
      clearTimeout(deadline);
      clearInterval(dripping);
      if (failure) reject(failure);
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((found) => Number(found[1]));
      resolve({ text, statuses, ms: performance.now() - started });
    });
  });
}

const head = (lines: string[], body = '') => `${lines.join('\r\n')}\r\n\r\n${body}`;
const host = 'Host: localhost';
const json = 'Content-Type: application/json';

describe('what is not quite HTTP', () => {
  it.each<[what: string, bytes: string]>([
    [
      'Content-Length and Transfer-Encoding',
      head(
        ['POST /v1/auth/login HTTP/1.1', host, json, 'Content-Length: 5', 'Transfer-Encoding: chunked'],
        '0\r\n\r\nGET /v1/server HTTP/1.1\r\nHost: localhost\r\n\r\n',
      ),
    ],
    [
      'two lengths',
      head(['POST /v1/auth/login HTTP/1.1', host, json, 'Content-Length: 2', 'Content-Length: 40'], '{}'),
    ],
    ['a negative length', head(['POST /v1/auth/login HTTP/1.1', host, json, 'Content-Length: -1'])],
    ['bare line feeds', `GET /v1/server HTTP/1.1\n${host}\n\n`],
    ['a bare line feed between headers', `GET /v1/server HTTP/1.1\r\n${host}\nX-A: 1\r\n\r\n`],
    ['a space before the colon', head(['GET /v1/server HTTP/1.1', host, 'X-A : 1'])],
    ['NUL in a header', head(['GET /v1/server HTTP/1.1', host, 'X-A: a\0b'])],
    ['a folded header', head(['GET /v1/server HTTP/1.1', host, 'X-A: 1', ' X-B: 2'])],
    [
      'a chunk size that is none',
      head(['POST /v1/auth/login HTTP/1.1', host, json, 'Transfer-Encoding: chunked'], 'zz\r\n'),
    ],
    [
      'another chunked coding',
      head(['POST /v1/auth/login HTTP/1.1', host, json, 'Transfer-Encoding: xchunked'], '0\r\n\r\n'),
    ],
    ['no Host', head(['GET /v1/server HTTP/1.1'])],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a frame of our own protocol', 'FSTM\0\0\0\x01\x01\x01'],
  ])('%s: 400, one answer, closed', async (_what, bytes) => {
    const { statuses, text } = await talk(Buffer.from(bytes, 'latin1'));
    expect(statuses).toEqual([400]);
    expect(text.toLowerCase()).toContain('connection: close');
  });

  it('headers over 16 KiB: 431', async () => {
    const { statuses, text } = await talk(head(['GET /v1/server HTTP/1.1', host, `X-A: ${'a'.repeat(17_000)}`]));
    expect(statuses).toEqual([431]);
    expect(text).toContain('"code":"BAD_REQUEST"');
  });

  it('more than 100 headers: 431', async () => {
    const many = Array.from({ length: 100 }, (_, index) => `X-${index}: 1`);
    const { statuses } = await talk(head(['GET /v1/server HTTP/1.1', host, 'Connection: close', ...many]));
    expect(statuses).toEqual([431]);
  });

  it('an empty Host: 403', async () => {
    const { statuses } = await talk(head(['GET /v1/server HTTP/1.1', 'Host:', 'Connection: close']));
    expect(statuses).toEqual([403]);
  });

  it('10 MB where 64 KiB are allowed: 413, closed before it is read', async () => {
    const lines = ['POST /v1/auth/login HTTP/1.1', host, json, 'Content-Length: 10485760'];
    const { statuses, text } = await talk(head(lines, 'x'.repeat(100_000)));
    expect(statuses).toEqual([413]);
    expect(text).toContain('"code":"FRAME_TOO_LARGE"');
  });

  it('10 MB in chunks of unknown length: 413, closed', async () => {
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const lines = ['POST /v1/auth/login HTTP/1.1', host, json, 'Transfer-Encoding: chunked'];
    const { statuses } = await talk(head(lines, chunk.repeat(20)));
    expect(statuses).toEqual([413]);
  });
});

describe('slow clients', () => {
  it('a body that drips: 408 within the request time, closed', async () => {
    const lines = ['POST /v1/auth/login HTTP/1.1', host, json, 'Content-Length: 1000'];
    const { statuses, text, ms } = await talk(head(lines, '{'), { bytes: ' ', everyMs: 50 });
    expect(statuses).toEqual([408]);
    expect(text).toContain('"code":"TIMEOUT"');
    expect(ms).toBeGreaterThan(500);
    expect(ms).toBeLessThan(5_000);
  });

  it('headers that drip: 408 within the time for headers, closed', async () => {
    const { statuses, ms } = await talk('GET /v1/server HTTP/1.1\r\n', { bytes: 'X-A: 1\r\n', everyMs: 50 });
    expect(statuses).toEqual([408]);
    expect(ms).toBeLessThan(5_000);
  });

  it('do not keep others from being served', async () => {
    const lines = ['POST /v1/auth/login HTTP/1.1', host, json, 'Content-Length: 1000'];
    const slow = Array.from({ length: 50 }, () => talk(head(lines, '{'), { bytes: ' ', everyMs: 100 }));
    const answer = await fetch(`http://127.0.0.1:${port}/v1/server`);
    expect(answer.status).toBe(200);
    for (const { statuses } of await Promise.all(slow)) expect(statuses).toEqual([408]);
  });
});
