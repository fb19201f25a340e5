/** The one folding of names for comparing and searching: NFKC (so width does not matter), then lower case. */
export function foldText(text: string): string {
  return text.normalize('NFKC').toLowerCase().normalize('NFKC');
}
