/** Invite links: `https://server/join/TOKEN`. Whether one works is the server's to say. */
const linkPath = /\/join\/([\w-]{6,128})\/?$/;

/** The token, when the text is an invite link and nothing else. */
export function joinTokenIn(text: string): string | null {
  const trimmed = text.trim();
  if (!/^https?:\/\//i.test(trimmed) || trimmed.length > 512) return null;
  try {
    return linkPath.exec(new URL(trimmed).pathname)?.[1] ?? null;
  } catch {
    return null;
  }
}

/** An invite link was opened as the address of this page. It stays there until its page is closed. */
export function joinLinkOfPage(location: Pick<Location, 'pathname'>): string | null {
  return /^\/join\/([\w-]{6,128})\/?$/.exec(location.pathname)?.[1] ?? null;
}

/** Back to the plain address, so that loading the page again does not begin anew. */
export function leaveJoinAddress(location: Location, history: History): void {
  if (joinLinkOfPage(location) !== null) history.replaceState(history.state, '', `/${location.search}${location.hash}`);
}

/** Whether a link in a message leads to a group of the server that this account is on. */
export function isOwnJoinLink(href: string, serverUrl: string): boolean {
  if (joinTokenIn(href) === null) return false;
  try {
    return new URL(href).origin === new URL(serverUrl).origin;
  } catch {
    return false;
  }
}
