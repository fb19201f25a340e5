const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Bytes as standard base64. The engine has no platform to ask for it. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const three = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const left = bytes.length - at;
    text += ALPHABET[three >> 18]! + ALPHABET[(three >> 12) & 63]!;
    text += left > 1 ? ALPHABET[(three >> 6) & 63]! : '=';
    text += left > 2 ? ALPHABET[three & 63]! : '=';
  }
  return text;
}
