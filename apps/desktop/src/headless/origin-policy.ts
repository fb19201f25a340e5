/**
 * Who may talk to the host, by the Host and Origin that a browser states. A page elsewhere that points a name of its
 * own at 127.0.0.1 (DNS rebinding) still sends that name as its Host; a page of another local server sends its Origin.
 */
export interface OriginPolicy {
  acceptsHost(host: string | undefined): boolean;
  /** For the bridge. No Origin at all: not a browser; the token decides. */
  acceptsOrigin(origin: string | undefined, host: string | undefined): boolean;
}

const loopbackNames = new Set(['127.0.0.1', 'localhost', '[::1]']);

export function createOriginPolicy(allowedOrigins: readonly string[]): OriginPolicy {
  const origins = new Set(allowedOrigins);
  const hosts = new Set(allowedOrigins.map((origin) => new URL(origin).host));
  const acceptsHost = (host: string | undefined): boolean => {
    const url = host === undefined ? undefined : parseHost(host);
    return url !== undefined && (loopbackNames.has(url.hostname) || hosts.has(url.host));
  };
  return {
    acceptsHost,
    acceptsOrigin(origin, host) {
      if (!acceptsHost(host)) return false;
      if (origin === undefined) return true;
      const normal = normaliseOrigin(origin);
      if (normal === undefined) return false;
      if (origins.has(normal)) return true;
      // The page's own: the same name and port. Another port on this machine is another program's page.
      return new URL(normal).host === parseHost(host ?? '')?.host;
    },
  };
}

/** `scheme://host[:port]` as browsers write it, or undefined if it is anything else. */
export function normaliseOrigin(text: string): string | undefined {
  if (!/^https?:\/\/[^/?#@\\\s]+\/?$/i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text).origin;
}

function parseHost(host: string): URL | undefined {
  if (!/^[\w.\-[\]:]+$/.test(host) || !URL.canParse(`http://${host}/`)) return undefined;
  return new URL(`http://${host}/`);
}
