import { FastimError } from '@fastim/protocol';

/**
 * One spelling for one server: scheme and host in lower case, no trailing slash. Throws BAD_REQUEST for anything that
 * is not a plain http(s) address (no credentials, query or fragment).
 */
export function normalizeServerUrl(text: string): string {
  const match = /^(https?):\/\/([^\s/?#@\\]+)(\/[^\s?#\\]*)?$/i.exec(text.trim());
  if (!match) throw new FastimError('BAD_REQUEST', 'The server address is not an http(s) address.');
  const scheme = match[1]!.toLowerCase();
  const host = match[2]!.toLowerCase();
  const path = (match[3] ?? '').replace(/\/+$/, '');
  return `${scheme}://${host}${path}`;
}
