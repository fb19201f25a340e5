import { isIPv4, isIPv6 } from 'node:net';

/**
 * What is counted as one address: an IPv4 address (also when written as IPv6), or the /64 of an IPv6 address, because
 * every home has a whole /64 to choose from.
 */
export function addressKey(address: string): string {
  const bare = address.split('%', 1)[0] ?? '';
  if (isIPv4(bare)) return bare;
  if (!isIPv6(bare)) return 'unknown';
  const mapped = /^(?:0*:)*:?(?:ffff:)(\d+\.\d+\.\d+\.\d+)$/i.exec(bare);
  if (mapped?.[1]) return mapped[1];
  const groups = new URL(`http://[${bare}]/`).hostname.slice(1, -1).split('::');
  const head = groups[0] === '' ? [] : (groups[0] ?? '').split(':');
  const tail = groups[1] === undefined || groups[1] === '' ? [] : groups[1].split(':');
  const all = groups.length === 1 ? head : [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail];
  return `${all.slice(0, 4).join(':')}::/64`;
}
