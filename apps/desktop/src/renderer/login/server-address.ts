/** What people type as an address → a base URL, or null. Without a scheme: http on this machine, https elsewhere. */
export function serverUrlOf(typed: string): string | null {
  const trimmed = typed.trim();
  if (trimmed === '' || /[\s\\]/.test(trimmed)) return null;
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed);
  const local = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(\/|$)/i.test(trimmed);
  const text = hasScheme ? trimmed : `${local ? 'http' : 'https'}://${trimmed}`;
  try {
    const url = new URL(text);
    if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.username || url.password) return null;
    return url.origin + url.pathname.replace(/\/+$/, '');
  } catch {
    return null;
  }
}
