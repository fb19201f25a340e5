import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/** What the drivers did and what they were told, as it happened. `at`: ms since 1970, of the driver. */
export type HistoryEntry =
  /** Handed to the client; `n` counts the sends of the device in the conversation. */
  | {
      readonly t: 'send';
      readonly at: number;
      readonly d: number;
      readonly c: number;
      readonly n: number;
      readonly key: string;
    }
  /** One tick. */
  | { readonly t: 'ok'; readonly at: number; readonly key: string; readonly seq: number; readonly id: string }
  /** Refused for good. A send with neither is unknown. */
  | { readonly t: 'fail'; readonly at: number; readonly key: string; readonly reason: string }
  /** On the client's disk, of the device's own message `key`. */
  | {
      readonly t: 'edit';
      readonly at: number;
      readonly d: number;
      readonly c: number;
      readonly key: string;
      readonly text: string;
    }
  | { readonly t: 'recall'; readonly at: number; readonly d: number; readonly c: number; readonly key: string }
  | {
      readonly t: 'react';
      readonly at: number;
      readonly d: number;
      readonly c: number;
      readonly seq: number;
      readonly emoji: string;
    }
  /** Logged in again so long after the connection was lost. */
  | { readonly t: 'back'; readonly at: number; readonly d: number; readonly ms: number }
  /** Has all that it missed. */
  | { readonly t: 'synced'; readonly at: number; readonly d: number; readonly ms: number }
  | { readonly t: 'ended'; readonly at: number; readonly d: number; readonly reason: string };

/** A message as a device shows it at the end. */
export interface SeenMessage {
  readonly key: string;
  readonly seq: number;
  readonly id: string;
  readonly sender: string;
  readonly kind: string;
  readonly text: string;
  readonly edited: boolean;
  readonly recalled: boolean;
  /** "emoji×count". */
  readonly reactions: string;
  /** A change of mine was refused; only its author's device knows. */
  readonly failure: string | null;
}

/** What one device has of one conversation, from old to new. */
export interface View {
  /** "device 3" or "fresh device of user 2". */
  readonly of: string;
  readonly device: number | null;
  readonly conversation: number;
  readonly messages: readonly SeenMessage[];
}

/** Everything that is stored of a conversation, asked for over the wire: messages and what changes them. */
export interface StoredEvents {
  readonly conversation: number;
  readonly seqs: readonly number[];
  /** "sender:client_msg_id" of each. */
  readonly keys: readonly string[];
}

/** Lines are handed to the system at once: what was written is there when the process is killed. */
export class JsonLines<T> {
  readonly #file: number;
  #lines: string[] = [];
  #scheduled = false;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  write(entry: T): void {
    this.#lines.push(`${JSON.stringify(entry)}\n`);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.flush());
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#lines.length > 0) writeSync(this.#file, this.#lines.splice(0).join(''));
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }
}

export function readJsonLines<T>(path: string): T[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}
