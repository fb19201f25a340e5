/**
 * The one folding of names for comparing, searching and throttling; never fails. NFKC, so that width does not matter;
 * then lower, upper, lower case, which folds what lower case alone keeps apart (ß and ẞ, ſ, ı, final sigma).
 */
export function foldText(text: string): string {
  return text.normalize('NFKC').toLowerCase().toUpperCase().toLowerCase().normalize('NFKC');
}
