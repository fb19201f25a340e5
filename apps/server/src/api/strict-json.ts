import { RemoteProtocolError } from '@fastim/protocol';

const MAX_DEPTH = 16;
const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Reads the JSON of a request. Besides what is not JSON, it refuses what two readers could understand differently or
 * what has no business in a request: nesting past 16, a key twice, keys that reach a prototype, numbers that are not
 * exact, NUL, and text that is not Unicode. Throws BAD_REQUEST; takes time in proportion to the length.
 */
export function parseStrictJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new RemoteProtocolError('BAD_REQUEST', 'The body is not UTF-8.', { cause: error });
  }
  return new StrictJsonReader(text).read();
}

class StrictJsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): unknown {
    const value = this.#value(1);
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#fault('something follows the value');
    return value;
  }

  #value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw this.#fault(`nested deeper than ${MAX_DEPTH}`);
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #object(depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.#at += 1;
    this.#skipSpace();
    if (this.#take('}')) return object;
    for (;;) {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') throw this.#fault('a key is missing');
      const key = this.#string();
      if (forbiddenKeys.has(key)) throw this.#fault('a key is not allowed');
      if (Object.hasOwn(object, key)) throw this.#fault('a key stands twice');
      this.#skipSpace();
      if (!this.#take(':')) throw this.#fault('a colon is missing');
      object[key] = this.#value(depth + 1);
      this.#skipSpace();
      if (this.#take('}')) return object;
      if (!this.#take(',')) throw this.#fault('a comma is missing');
    }
  }

  #array(depth: number): unknown[] {
    const array: unknown[] = [];
    this.#at += 1;
    this.#skipSpace();
    if (this.#take(']')) return array;
    for (;;) {
      array.push(this.#value(depth + 1));
      this.#skipSpace();
      if (this.#take(']')) return array;
      if (!this.#take(',')) throw this.#fault('a comma is missing');
    }
  }

  #string(): string {
    const start = this.#at;
    let end = start + 1;
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1;
    this.#at = end + 1;
    let value: string;
    try {
      value = JSON.parse(this.#text.slice(start, this.#at)) as string;
    } catch {
      this.#at = start;
      throw this.#fault('a string is not well formed');
    }
    if (value.includes('\0')) throw this.#fault('a string holds NUL');
    if (!value.isWellFormed()) throw this.#fault('a string is not Unicode');
    return value;
  }

  #number(): number {
    const shape = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
    shape.lastIndex = this.#at;
    const found = shape.exec(this.#text)?.[0];
    if (found === undefined) throw this.#fault('a value is missing');
    const value = Number(found);
    if (!Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      throw this.#fault('a number is too large; ids are strings');
    }
    this.#at += found.length;
    return value;
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#fault('a value is missing');
    this.#at += word.length;
    return value;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at += 1;
    }
  }

  #fault(what: string): RemoteProtocolError {
    return new RemoteProtocolError('BAD_REQUEST', `The body is not JSON that we take: ${what}, at ${this.#at}.`);
  }
}
