import { describe, expect, it } from 'vitest';
import { createOriginPolicy, normaliseOrigin } from './origin-policy.ts';

const loopback = createOriginPolicy([]);
const withServer = createOriginPolicy(['https://chat.example.org', 'http://chat.home:8600']);

describe('hosts', () => {
  it.each(['127.0.0.1', '127.0.0.1:8600', 'localhost:1', 'LOCALHOST', '[::1]:8600', '[::1]'])('%s is here', (host) => {
    expect(loopback.acceptsHost(host)).toBe(true);
  });

  it.each([
    undefined,
    '',
    'evil.example',
    'evil.example:8600',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'localhost@evil.example',
    'evil.example/localhost',
    '127.0.0.1 evil',
    '0.0.0.0:8600',
    '192.168.1.5:8600',
    '[::ffff:127.0.0.1]',
    'chat.example.org',
    '127.0.0.1:99999',
  ])('%s is not (DNS rebinding)', (host) => {
    expect(loopback.acceptsHost(host)).toBe(false);
  });

  it('an allowed origin brings its host, with its port', () => {
    expect(withServer.acceptsHost('chat.example.org')).toBe(true);
    expect(withServer.acceptsHost('chat.home:8600')).toBe(true);
    expect(withServer.acceptsHost('chat.home')).toBe(false);
    expect(withServer.acceptsHost('chat.home:8601')).toBe(false);
  });
});

describe('bad input 58: origins', () => {
  it.each([
    ['http://127.0.0.1:8600', '127.0.0.1:8600'],
    ['http://localhost:8600', 'localhost:8600'],
    ['https://localhost:8600', 'localhost:8600'],
    ['http://[::1]:8600', '[::1]:8600'],
    [undefined, '127.0.0.1:8600'],
  ])('%s on %s is our page, or no browser', (origin, host) => {
    expect(loopback.acceptsOrigin(origin, host)).toBe(true);
  });

  it.each([
    ['http://evil.example', '127.0.0.1:8600'],
    ['http://evil.example:8600', 'evil.example:8600'],
    ['http://127.0.0.1:3000', '127.0.0.1:8600'],
    ['http://localhost:8600', '127.0.0.1:8600'],
    ['null', '127.0.0.1:8600'],
    ['', '127.0.0.1:8600'],
    ['file://', '127.0.0.1:8600'],
    ['chrome-extension://abc', '127.0.0.1:8600'],
    ['app://fastim', '127.0.0.1:8600'],
    ['http://127.0.0.1:8600@evil.example', '127.0.0.1:8600'],
    ['http://127.0.0.1:8600/x', '127.0.0.1:8600'],
    ['http://127.0.0.1:8600', undefined],
    ['http://127.0.0.1:8600', 'evil.example:8600'],
    [undefined, 'evil.example'],
  ])('%s on %s is refused', (origin, host) => {
    expect(loopback.acceptsOrigin(origin, host)).toBe(false);
  });

  it('an allowed origin may come through its own host and through loopback', () => {
    expect(withServer.acceptsOrigin('https://chat.example.org', 'chat.example.org')).toBe(true);
    expect(withServer.acceptsOrigin('https://chat.example.org', '127.0.0.1:8600')).toBe(true);
    expect(withServer.acceptsOrigin('https://other.example.org', 'chat.example.org')).toBe(false);
  });
});

describe('the normal form of an origin', () => {
  it.each([
    ['http://A.b:80/', 'http://a.b'],
    ['https://a:443', 'https://a'],
    ['http://[::1]:1', 'http://[::1]:1'],
  ])('%s is %s', (text, normal) => {
    expect(normaliseOrigin(text)).toBe(normal);
  });

  it.each(['a', 'http://', 'ftp://a', 'http://a b', 'http://a:b', 'http://a?x', 'http://a#x', 'http://u@a'])(
    '%s has none',
    (text) => {
      expect(normaliseOrigin(text)).toBeUndefined();
    },
  );
});
