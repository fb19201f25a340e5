import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorOf, TestApi } from './testing/test-api.ts';

let folder: string;
let app: TestApi;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fastim-app-'));
  const directory = join(folder, 'app');
  mkdirSync(join(directory, 'assets'), { recursive: true });
  mkdirSync(join(directory, '.git'));
  writeFileSync(join(folder, 'secret.txt'), 'canary');
  writeFileSync(join(directory, 'index.html'), '<!doctype html><title>FastIM</title><script src="./assets/a.js">');
  writeFileSync(join(directory, 'assets', 'index-Bx81_kq2.js'), 'console.log(1)');
  writeFileSync(join(directory, 'assets', 'inter-latin-wght-normal-Dx4kXJAl.woff2'), 'font');
  writeFileSync(join(directory, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  writeFileSync(join(directory, '.git', 'config'), 'canary');
  writeFileSync(join(directory, '.env'), 'canary');
  app = await TestApi.open({ app: { directory } });
});
afterAll(async () => {
  await app.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the browser app', () => {
  it('is at /, with a policy that lets it run its own files and nothing else', async () => {
    for (const path of ['/', '/?profile=bob', '/index.html']) {
      const answer = await app.call('GET', path);
      expect(answer.status).toBe(200);
      expect(answer.text).toContain('<title>FastIM</title>');
      expect(answer.headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-cache',
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy':
          "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
          "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      });
    }
  });

  it.each([
    ['/assets/index-Bx81_kq2.js', /javascript/, 'public, max-age=31536000, immutable'],
    ['/assets/inter-latin-wght-normal-Dx4kXJAl.woff2', /font\/woff2/, 'public, max-age=31536000, immutable'],
    ['/icon.svg', /image\/svg\+xml/, 'no-cache'],
  ])('serves %s with its type and its cache time', async (path, type, cache) => {
    const answer = await app.call('GET', path);
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(type);
    expect(answer.headers['cache-control']).toBe(cache);
  });

  it('is where an invitation link leads, with the same headers, and finds its files from there', async () => {
    const root = await app.call('GET', '/');
    const answer = await app.call('GET', '/join/Ab_-9xYz0123456789');
    expect(answer.status).toBe(200);
    for (const name of ['content-type', 'cache-control', 'content-security-policy', 'referrer-policy']) {
      expect(answer.headers[name]).toBe(root.headers[name]);
    }
    expect(root.text).toContain('"./assets/a.js"');
    expect(answer.text).toContain('"../assets/a.js"');
    for (const path of [
      '/join',
      '/join/',
      '/join/a/b',
      '/join/..%2fsecret.txt',
      '/join/%00',
      `/join/${'x'.repeat(129)}`,
    ]) {
      expect(errorOf(await app.call('GET', path))).toEqual([404, 'NOT_FOUND']);
    }
  });

  it('answers 304 to what the browser has', async () => {
    const { etag } = (await app.call('GET', '/')).headers;
    expect((await app.call('GET', '/', { headers: { 'if-none-match': String(etag) } })).status).toBe(304);
  });

  it.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/..%5csecret.txt',
    '/%252e%252e%252fsecret.txt',
    '/assets/../../secret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '/....//secret.txt',
    '/.env',
    '/.git/config',
    '/%2egit/config',
    '/assets',
    '/assets/',
    '/no-such-page',
    '/index.html/',
    '/icon.svg%00.html',
    '/C:/secret.txt',
  ])('%s is nothing', async (path) => {
    const answer = await app.call('GET', path);
    expect([400, 403, 404]).toContain(answer.status);
    expect(answer.text).not.toContain('canary');
    expect(answer.text).not.toContain('<title>');
  });

  it('is not in the way of the API', async () => {
    expect((await app.call('GET', '/v1/server')).status).toBe(200);
    expect(errorOf(await app.call('GET', '/v1/no-such'))).toEqual([404, 'NOT_FOUND']);
    expect(errorOf(await app.call('POST', '/', { body: {} }))).toEqual([404, 'NOT_FOUND']);
  });

  it('gives nothing away over a raw socket either, where no client cleans the path', async () => {
    const port = await app.parts.server.start();
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write('GET /../secret.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'),
      );
      let got = '';
      socket.on('data', (chunk) => {
        got += chunk;
      });
      socket.on('end', () => resolve(got));
      socket.on('error', reject);
    });
    expect(text).toMatch(/^HTTP\/1\.1 (?:400|403|404)/);
    expect(text).not.toContain('canary');
  });
});
