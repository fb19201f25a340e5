import { isIPv4, isIPv6 } from 'node:net';

/**
 * An address as logs and throttling see it: canonical, without zone and port, and IPv4 also where it was written as
 * IPv6. What is no address is 'unknown'.
 */
export function clientAddress(text: string | undefined): string {
  if (text === undefined) return 'unknown';
  if (isIPv4(text)) return text;
  const bare = bareAddress(text);
  if (isIPv4(bare)) return bare;
  if (!isIPv6(bare)) return 'unknown';
  const canonical = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(canonical);
  if (!mapped) return canonical;
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** What counts as one address: IPv4 as it is, IPv6 by its /64, because every home has a whole /64 to choose from. */
export function addressKey(text: string): string {
  const address = clientAddress(text);
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':');
    groups.push(...new Array<string>(8 - groups.length - rest.length).fill('0'), ...rest);
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}

/** Some proxies write a port behind the address, and an IPv6 address in brackets then. */
function bareAddress(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(text);
  if (bracketed) return bracketed[1]!;
  const withoutZone = text.split('%', 1)[0]!;
  return withoutZone.includes('.') && !withoutZone.includes('::') ? withoutZone.replace(/:\d+$/, '') : withoutZone;
}
