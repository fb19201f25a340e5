import { describe, expect, it } from 'vitest';
import { TrustedProxies } from './trusted-proxies.ts';

const proxies = new TrustedProxies(['10.0.0.0/8', '192.0.2.1', '2001:db8:5::/48', '::1']);

describe('trusted proxies', () => {
  it.each([
    ['10.255.0.1', true],
    ['::ffff:10.0.0.1', true],
    ['11.0.0.1', false],
    ['192.0.2.1', true],
    ['192.0.2.2', false],
    ['2001:db8:5:ffff::1', true],
    ['2001:db8:6::1', false],
    ['::1', true],
    ['nonsense', false],
    [undefined, false],
  ])('include %s: %s', (address, expected) => {
    expect(proxies.includes(address)).toBe(expected);
  });

  it('are nobody when none are named', () => {
    expect(new TrustedProxies([]).includes('127.0.0.1')).toBe(false);
    expect(new TrustedProxies([]).clientBehind('127.0.0.1', '198.51.100.7')).toBe('127.0.0.1');
  });

  it.each([
    ['one proxy', '10.0.0.1', '198.51.100.7', '198.51.100.7'],
    ['no header', '10.0.0.1', undefined, '10.0.0.1'],
    ['an empty header', '10.0.0.1', '', '10.0.0.1'],
    ['two proxies', '10.0.0.1', '198.51.100.7, 192.0.2.1', '198.51.100.7'],
    ['what the client wrote itself', '10.0.0.1', '1.1.1.1, 10.0.0.9, 198.51.100.7', '198.51.100.7'],
    ['a peer that is no proxy', '198.51.100.7', '1.1.1.1', '198.51.100.7'],
    ['proxies all the way', '10.0.0.1', '10.0.0.3,10.0.0.2', '10.0.0.3'],
    ['a port behind the address', '10.0.0.1', '198.51.100.7:5678', '198.51.100.7'],
    ['nonsense', '10.0.0.1', '198.51.100.7, <script>', 'unknown'],
    ['commas only', '10.0.0.1', ',,', 'unknown'],
  ])('find the client behind %s', (_name, peer, header, expected) => {
    expect(proxies.clientBehind(peer, header)).toBe(expected);
  });
});
