import { isIPv4, isIPv6 } from 'node:net';

const MAPPED = '::ffff:';

/** The peer's address as logs and throttling see it: an IPv4 address that came in over an IPv6 socket is IPv4. */
export function clientAddress(address: string | undefined): string {
  if (!address) return 'unknown';
  const zone = address.indexOf('%');
  const bare = zone < 0 ? address : address.slice(0, zone);
  if (bare.startsWith(MAPPED) && isIPv4(bare.slice(MAPPED.length))) return bare.slice(MAPPED.length);
  return bare;
}

/** What counts as one address: IPv4 as it is, IPv6 by its /64, because every home has a whole /64 to choose from. */
export function addressKey(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':');
    // A dotted tail (::1.2.3.4) takes the place of two groups.
    const restGroups = rest.length + (rest.at(-1)?.includes('.') ? 1 : 0);
    while (groups.length + restGroups < 8) groups.push('0');
    groups.push(...rest);
  }
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(':')}::/64`;
}
