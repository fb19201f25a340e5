import { MAX_EMOJI } from '@fastim/protocol';

/** What this version of Unicode recommends: skin tones, families, flags, keycaps. */
const recommended = /^\p{RGI_Emoji}$/v;
/** Newer ones, and forms that are not in the list (without the variation selector, for example). */
const pictograph =
  /^\p{Extended_Pictographic}[\u{1f3fb}-\u{1f3ff}\ufe0f]{0,2}(?:\u200d\p{Extended_Pictographic}[\u{1f3fb}-\u{1f3ff}\ufe0f]{0,2})*$/u;
/** One sign like ✓, ♥ or ∞; nothing of ASCII, so nothing that could be markup. */
const symbol = /^[\p{So}\p{Sm}\p{Sc}]\ufe0f?$/u;
const ascii = /^[\0-\x7f]/;

/** Whether it can be a reaction: one emoji or one symbol, without words, white space, control characters or markup. */
export function isEmoji(text: string): boolean {
  if (text.length === 0 || text.length > MAX_EMOJI || !text.isWellFormed()) return false;
  if (recommended.test(text)) return true;
  return !ascii.test(text) && (pictograph.test(text) || symbol.test(text));
}
