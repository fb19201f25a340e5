import { BlockList, isIPv4 } from 'node:net';
import { clientAddress } from './client-address.ts';

/** The reverse proxies whose word about a client's address is taken. */
export class TrustedProxies {
  readonly #networks = new BlockList();
  readonly #none: boolean;

  /** Addresses or networks like 10.0.0.0/8, as the configuration has checked them. */
  constructor(networks: readonly string[]) {
    this.#none = networks.length === 0;
    for (const network of networks) {
      const [address = '', bits] = network.split('/');
      const family = isIPv4(address) ? 'ipv4' : 'ipv6';
      if (bits === undefined) this.#networks.addAddress(address, family);
      else this.#networks.addSubnet(address, Number(bits), family);
    }
  }

  /** Whether the peer with this address is one of them. */
  includes(address: string | undefined): boolean {
    if (this.#none) return false;
    const known = clientAddress(address);
    return known !== 'unknown' && this.#networks.check(known, isIPv4(known) ? 'ipv4' : 'ipv6');
  }

  /**
   * Who is behind `peer`. X-Forwarded-For is read from its end, where the nearest proxy wrote, and only as long as each
   * writer is trusted: what a client wrote into it itself is never believed.
   */
  clientBehind(peer: string | undefined, forwardedFor: string | undefined): string {
    let address = clientAddress(peer);
    const hops = forwardedFor === undefined || forwardedFor === '' ? [] : forwardedFor.split(',');
    while (hops.length > 0 && this.includes(address)) address = clientAddress(hops.pop()!.trim());
    return address;
  }
}
