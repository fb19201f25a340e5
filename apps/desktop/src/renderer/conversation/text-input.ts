/**
 * Changes what stands in a textarea as if it had been typed: one step of the browser's undo where it can do that. The
 * caret stands behind what was put in.
 */
export function replaceRange(input: HTMLTextAreaElement, from: number, to: number, text: string): void {
  input.focus({ preventScroll: true });
  input.setSelectionRange(from, to);
  const command = text === '' ? 'delete' : 'insertText';
  if (typeof document.execCommand === 'function' && document.execCommand(command, false, text)) return;
  input.setRangeText(text, from, to, 'end');
  input.dispatchEvent(new Event('input', { bubbles: true }));
}

/** Replaces all of it, with no way back by undo; nobody is told. */
export function setText(input: HTMLTextAreaElement, text: string): void {
  input.value = text;
  input.setSelectionRange(text.length, text.length);
}
