/** The emoji that were picked lately, on this device. */
const storageKey = 'fastim.recent-emoji';
const mostKept = 16;

export function recentEmoji(storage: Storage): string[] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(storageKey) ?? '[]');
    if (!Array.isArray(kept)) return [];
    return kept.filter((one): one is string => typeof one === 'string' && one.length <= 32).slice(0, mostKept);
  } catch {
    return [];
  }
}

export function rememberEmoji(storage: Storage, emoji: string): void {
  const next = [emoji, ...recentEmoji(storage).filter((one) => one !== emoji)].slice(0, mostKept);
  storage.setItem(storageKey, JSON.stringify(next));
}
