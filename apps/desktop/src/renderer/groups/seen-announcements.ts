/** Which announcements were dismissed in this browser profile: the last ones, by user and conversation. */
const storageKey = 'fastim.seen-announcements';
const mostKept = 200;

type Kept = readonly (readonly [place: string, mark: string])[];

function read(storage: Storage): Kept {
  try {
    const kept: unknown = JSON.parse(storage.getItem(storageKey) ?? '[]');
    if (!Array.isArray(kept)) return [];
    return kept.filter(
      (one): one is [string, string] =>
        Array.isArray(one) && one.length === 2 && one.every((part) => typeof part === 'string'),
    );
  } catch {
    return [];
  }
}

/** Tells one announcement from another; the text itself is not kept. */
function markOf(text: string): string {
  let value = 2166136261;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 16777619);
  return `${text.length}:${(value >>> 0).toString(36)}`;
}

export function isSeen(storage: Storage, userId: string, conversationId: string, text: string): boolean {
  const place = `${userId}:${conversationId}`;
  return read(storage).some(([where, mark]) => where === place && mark === markOf(text));
}

export function rememberSeen(storage: Storage, userId: string, conversationId: string, text: string): void {
  const place = `${userId}:${conversationId}`;
  const others = read(storage).filter(([where]) => where !== place);
  storage.setItem(storageKey, JSON.stringify([...others, [place, markOf(text)]].slice(-mostKept)));
}
