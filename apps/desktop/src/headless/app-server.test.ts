import { mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { contentSecurityPolicy } from '../bridge/app-page.ts';
import { AppNotBuilt, createAppServer } from './app-server.ts';
import { createOriginPolicy } from './origin-policy.ts';

const silent = pino({ level: 'silent' });
let directory: string;
let server: Server;
let port: number;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'fastim-app-'));
  mkdirSync(join(directory, 'app/assets'), { recursive: true });
  writeFileSync(join(directory, 'app/index.html'), '<!doctype html>the app');
  writeFileSync(join(directory, 'app/assets/main-1.js'), 'export {};');
  writeFileSync(join(directory, 'secret.html'), 'secret');
  server = createAppServer(join(directory, 'app'), createOriginPolicy([]), silent);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(directory, { recursive: true, force: true });
});

/** The path goes out as it is: fetch would tidy it. */
function request(path: string, { method = 'GET', host = `127.0.0.1:${port}` } = {}) {
  return new Promise<{ status: number; headers: Record<string, string>; body: string }>((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => {
      const [head = '', body = ''] = text.split('\r\n\r\n');
      const [line = '', ...rows] = head.split('\r\n');
      const headers = rows.map((row) => row.split(/: (.*)/s).slice(0, 2) as [string, string]);
      resolve({ status: Number(line.split(' ')[1]), headers: Object.fromEntries(headers), body });
    });
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  });
}

describe("the app's own server", () => {
  it('serves the page with the policy that allows our own scripts only', async () => {
    const { status, headers, body } = await request('/');
    expect(status).toBe(200);
    expect(body).toContain('the app');
    expect(headers['content-security-policy']).toBe(contentSecurityPolicy);
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['referrer-policy']).toBe('no-referrer');
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(headers['cache-control']).toBe('no-cache');
  });

  it('serves the page where an invite link leads, whatever the token, and with any profile', async () => {
    const page = await request('/');
    for (const path of ['/join/k3JrT0pQ-_', '/join/x?profile=bob', `/join/${'a'.repeat(128)}`]) {
      const { status, body, headers } = await request(path);
      expect([path, status, body]).toEqual([path, 200, page.body]);
      expect(headers['content-security-policy']).toBe(contentSecurityPolicy);
      expect(headers['cache-control']).toBe('no-cache');
    }
    expect((await request('/join/x?profile=<img>')).status).toBe(400);
    expect((await request('/join/x', { method: 'POST' })).status).toBe(405);
  });

  it('serves assets, and HEAD without a body', async () => {
    expect(await request('/assets/main-1.js')).toMatchObject({ status: 200, body: 'export {};' });
    const head = await request('/assets/main-1.js', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers['content-length']).toBe('10');
  });

  it.each([
    '/../secret.html',
    '/%2e%2e/secret.html',
    '/..%2fsecret.html',
    '/assets/../../secret.html',
    '/assets/..\\..\\secret.html',
    '//index.html',
    '/./index.html',
    '/index.html%00',
    '/assets',
    '/assets/',
    'http://127.0.0.1/secret.html',
    '/nothing',
    '/join',
    '/join/',
    '/join/a/b',
    '/join/..%2fsecret.html',
    '/join/../secret.html',
    `/join/${'a'.repeat(129)}`,
  ])('%s is not found', async (path) => {
    const { status, headers, body } = await request(path);
    expect(status).toBe(404);
    expect(body).not.toContain('secret');
    expect(headers['content-security-policy']).toBe(contentSecurityPolicy);
  });

  it.each(['evil.example', `evil.example:1`, '127.0.0.1.evil.example'])('refuses the host %s', async (host) => {
    expect((await request('/', { host })).status).toBe(403);
  });

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('refuses %s', async (method) => {
    const { status, headers } = await request('/', { method });
    expect(status).toBe(405);
    expect(headers.allow).toBe('GET, HEAD');
  });

  it('answers a profile that cannot be with a page that says so, and does not repeat it', async () => {
    const { status, body, headers } = await request('/?profile=<img%20src=x>');
    expect(status).toBe(400);
    expect(body).toContain('a profile name has 1 to 32 characters');
    expect(body).not.toContain('img');
    expect(headers['content-security-policy']).toBe(contentSecurityPolicy);
    expect((await request('/?profile=bob')).status).toBe(200);
  });

  it('has nothing to say to a browser that asks for an icon by itself', async () => {
    expect((await request('/favicon.ico')).status).toBe(204);
  });

  it('serves what a new build brought', async () => {
    writeFileSync(join(directory, 'app/assets/main-2.js'), 'new');
    await request('/');
    expect((await request('/assets/main-2.js')).body).toBe('new');
  });

  it('answers 500 when a file cannot be read, and lives on', async () => {
    unlinkSync(join(directory, 'app/assets/main-1.js'));
    expect((await request('/assets/main-1.js')).status).toBe(500);
    expect((await request('/')).status).toBe(200);
  });

  it('survives bytes that are not HTTP', async () => {
    for (const bytes of ['\x16\x03\x01\x02\x00', 'GET\r\n\r\n', `GET / HTTP/1.1\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`]) {
      const reply = await new Promise<string>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk;
        });
        socket.on('error', () => undefined);
        socket.on('close', () => resolve(text));
      });
      expect(reply).toMatch(/^HTTP\/1.1 4\d\d/);
    }
    expect((await request('/')).status).toBe(200);
  });

  it('says what to do when the app is not built', () => {
    const policy = createOriginPolicy([]);
    expect(() => createAppServer(join(directory, 'none'), policy, silent)).toThrow(AppNotBuilt);
    expect(() => createAppServer(join(directory, 'app/assets'), policy, silent)).toThrow('npm run build');
  });
});
