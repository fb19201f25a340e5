/**
 * What happened, as one number: two runs are the same run if their hashes are equal. With `onLine` every step is also
 * given out in words.
 */
export class Trace {
  #high = 0x811c9dc5;
  #low = 0x1b873593;
  #steps = 0;
  readonly #onLine: ((line: string) => void) | undefined;
  now: () => number = () => 0;

  constructor(onLine?: (line: string) => void) {
    this.#onLine = onLine;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Whether words are wanted; making them costs more than the run. */
  get spoken(): boolean {
    return this.#onLine !== undefined;
  }

  step(kind: string, number: number, text = ''): void {
    this.#steps += 1;
    this.#addNumber(Math.round(this.now() * 1000));
    this.#addText(kind);
    this.#addNumber(number);
    this.#addText(text);
    this.#onLine?.(`${this.now().toFixed(3).padStart(12)} ${kind} ${number} ${text}`);
  }

  bytes(kind: string, number: number, bytes: Uint8Array): void {
    this.#steps += 1;
    this.#addNumber(Math.round(this.now() * 1000));
    this.#addText(kind);
    this.#addNumber(number);
    this.#addNumber(bytes.length);
    let high = this.#high;
    let low = this.#low;
    for (let index = 0; index < bytes.length; index += 1) {
      low = Math.imul(low ^ bytes[index]!, 0x01000193);
      high = (high + low) | 0;
    }
    this.#high = high;
    this.#low = low;
  }

  /** For words only; not part of the hash. */
  say(words: () => string): void {
    this.#onLine?.(`${this.now().toFixed(3).padStart(12)}   ${words()}`);
  }

  get hash(): string {
    const part = (value: number) => (value >>> 0).toString(16).padStart(8, '0');
    return part(this.#high) + part(this.#low);
  }

  #addNumber(value: number): void {
    this.#low = Math.imul(this.#low ^ (value & 0xffffffff), 0x85ebca6b);
    this.#low ^= this.#low >>> 13;
    this.#high = (Math.imul(this.#high, 31) + this.#low + Math.floor(value / 0x100000000)) | 0;
  }

  #addText(text: string): void {
    for (let index = 0; index < text.length; index += 1) {
      this.#low = Math.imul(this.#low ^ text.charCodeAt(index), 0x01000193);
    }
    this.#high = (this.#high + this.#low) | 0;
  }
}
