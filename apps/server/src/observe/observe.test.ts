import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { Counter, Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createHttpMetrics } from './http-metrics.ts';
import { createLogger, openLogger } from './logger.ts';
import { createMetricsServer } from './metrics-server.ts';
import { serverVersion } from './version.ts';

const quiet = createLogger({ level: 'silent', name: 'test' }, new Writable({ write: (_c, _e, done) => done() }));

describe('the logger', () => {
  it('hides what must not be in a log, wherever it is put', () => {
    let text = '';
    const stream = new Writable({
      write(chunk, _encoding, done) {
        text += chunk;
        done();
      },
    });
    const logger = createLogger({ level: 'trace', name: 'test' }, stream);
    const secrets = { password: 'canary', accessToken: 'canary', refreshToken: 'canary', text: 'canary' };
    logger.info({ ...secrets, requestId: 'r1' }, 'one');
    logger.error({ request: { ...secrets, headers: { authorization: 'Bearer canary', cookie: 'canary' } } }, 'two');
    logger.child({ logId: 7 }).debug({ device: secrets }, 'three');
    expect(text).not.toContain('canary');
    expect(text).toContain('"requestId":"r1"');
    expect(text).toContain('"logId":7');
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).msg),
    ).toEqual(['one', 'two', 'three']);
  });

  it('goes on in a new file after the old one was moved away', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fastim-log-'));
    try {
      const file = join(folder, 'deep', 'server.log');
      const { logger, reopen, close } = openLogger({ level: 'info', name: 'test', file });
      logger.info('before');
      renameSync(file, `${file}.1`);
      reopen();
      logger.info('after');
      close();
      expect(readFileSync(`${file}.1`, 'utf8')).toContain('before');
      expect(readFileSync(file, 'utf8')).toContain('after');
      expect(readFileSync(file, 'utf8')).not.toContain('before');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it.runIf(existsSync('/dev/full'))(
    'drops lines that a full disk does not take, and says so when there is space',
    () => {
      const folder = mkdtempSync(join(tmpdir(), 'fastim-log-'));
      try {
        const file = join(folder, 'server.log');
        symlinkSync('/dev/full', file);
        const { logger, reopen, close } = openLogger({ level: 'info', name: 'test', file });
        logger.info('one');
        logger.fatal('two');
        unlinkSync(file);
        reopen();
        logger.info('three');
        logger.info('four');
        close();
        close();
        logger.info('five');
        const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
        expect(lines.map((line) => JSON.parse(line))).toMatchObject([
          { msg: 'log lines could not be written', lost: 2, code: 'ENOSPC' },
          { msg: 'three' },
          { msg: 'four' },
        ]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  it('stays with the old file when the new one cannot be opened', () => {
    const folder = mkdtempSync(join(tmpdir(), 'fastim-log-'));
    try {
      const file = join(folder, 'server.log');
      const { logger, reopen, close } = openLogger({ level: 'info', name: 'test', file });
      renameSync(file, `${file}.1`);
      mkdirSync(file);
      reopen();
      logger.info('still here');
      close();
      expect(readFileSync(`${file}.1`, 'utf8')).toContain('could not be opened anew');
      expect(readFileSync(`${file}.1`, 'utf8')).toContain('still here');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('the metrics server', () => {
  /** fetch does not let a test choose the Host. */
  const ask = (port: number, path: string, options: { method?: string; host?: string } = {}) =>
    new Promise<number>((resolve, reject) => {
      const { method = 'GET', host = `127.0.0.1:${port}` } = options;
      request({ port, host: '127.0.0.1', path, method, headers: { host } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });

  it('gives the figures on loopback, to GET, under a loopback name', async () => {
    const registry = new Registry();
    new Counter({ name: 'test_total', help: 'for the test', registers: [registry] }).inc(3);
    const server = createMetricsServer({ port: 0, registry, logger: quiet });
    const port = await server.start();
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
      expect(answer.headers.get('content-type')).toContain('text/plain');
      expect(await answer.text()).toContain('test_total 3');
      expect(await ask(port, '/metrics', { host: 'localhost' })).toBe(200);
      expect(await ask(port, '/metrics', { host: 'evil.example' })).toBe(403);
      expect(await ask(port, '/metrics', { method: 'POST' })).toBe(405);
      expect(await ask(port, '/')).toBe(404);
    } finally {
      await server.stop();
      await server.stop();
    }
    await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow();
  });

  it('rejects when its port is taken, and can be stopped all the same', async () => {
    const blocker = createServer();
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve));
    const address = blocker.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const server = createMetricsServer({ port, registry: new Registry(), logger: quiet });
    await expect(server.start()).rejects.toMatchObject({ code: 'EADDRINUSE', port });
    await server.stop();
    blocker.close();
  });
});

describe('request metrics', () => {
  it('count by route and status', async () => {
    const registry = new Registry();
    const metrics = createHttpMetrics(registry);
    metrics.observe('GET', '/v1/me', 200, 0.004);
    metrics.observe('GET', '/v1/me', 401, 0.001);
    const text = await registry.metrics();
    expect(text).toContain('fastim_http_request_duration_seconds_count{method="GET",route="/v1/me",status="200"} 1');
    expect(text).toContain('fastim_http_refused_total{status="401"} 1');
  });
});

describe('the version', () => {
  it('is that of the package', () => {
    expect(serverVersion()).toMatch(/^\d+\.\d+\.\d+/);
  });
});
