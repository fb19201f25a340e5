/** SQLite's integers are signed; ids are unsigned. */
export function toInteger(id: string): bigint {
  return BigInt.asIntN(64, BigInt(id));
}

export function fromInteger(text: string): string {
  return text.startsWith('-') ? BigInt.asUintN(64, BigInt(text)).toString() : text;
}
