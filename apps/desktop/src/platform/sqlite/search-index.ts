import type Database from 'better-sqlite3';
import { type SearchPhrase, searchPhrases, searchWords } from '../../engine/search-text.ts';
import type { SearchQuery, StoredMessage } from '../../engine/store.ts';
import { toInteger } from './integers.ts';

/** Bits of a search id below its milliseconds. */
const LOW_BITS = 20n;
const LOW = (1n << LOW_BITS) - 1n;
const LOWEST = -(1n << 63n);
const HIGHEST = (1n << 63n) - 1n;

/** A message as the index knows it. */
export interface Indexed {
  readonly conversationId: string;
  readonly senderId: string;
  readonly text: string;
}

/**
 * The full-text index of shown messages: FTS5 without content of its own. Words are parted and folded by the engine
 * (search-text.ts), so the tokenizer has nothing left to decide and nothing in a query can be syntax. Where a message
 * stands and who wrote it are words of a second column: a search in one conversation reads the list of that conversation
 * too, and not every message that has the words.
 *
 * Rows are numbered by time, so that the newest come first without sorting and a span of time is a span of rows. What is
 * removed leaves the index at once ('secure-delete'), not at the next merge.
 */
export class SearchIndex {
  readonly #insert: Database.Statement;
  readonly #remove: Database.Statement;
  readonly #find: Database.Statement<unknown[], { id: string }>;
  readonly #clear: Database.Statement;

  constructor(database: Database.Database) {
    this.#insert = database.prepare('INSERT INTO search (rowid, words, place) VALUES (?, ?, ?)');
    this.#remove = database.prepare(`INSERT INTO search (search, rowid, words, place) VALUES ('delete', ?, ?, ?)`);
    this.#clear = database.prepare(`INSERT INTO search (search) VALUES ('delete-all')`);
    this.#find = database.prepare(
      `SELECT CAST(rowid AS TEXT) AS id FROM search
       WHERE search MATCH ? AND rowid >= ? AND rowid <= ? ORDER BY rowid DESC LIMIT ?`,
    );
  }

  /** `id` is free. False: the text has no words, and nothing was added. */
  add(id: bigint, message: Indexed): boolean {
    const words = searchWords(message.text);
    if (words.length === 0) return false;
    this.#insert.run(id, words.join(' '), place(message));
    return true;
  }

  /** `message` as it was added: the index has no copy of its own to look at. */
  remove(id: bigint, message: Indexed): void {
    this.#remove.run(id, searchWords(message.text).join(' '), place(message));
  }

  clear(): void {
    this.#clear.run();
  }

  /** Search ids, newest first. */
  find(query: SearchQuery): bigint[] {
    const match = matchExpression(query);
    if (match === undefined) return [];
    const { fromMs, toMs, before, limit } = query;
    const from = fromMs === undefined ? LOWEST : timeBits(fromMs);
    const ends = [HIGHEST];
    if (toMs !== undefined) ends.push(timeBits(toMs) | LOW);
    if (before) ends.push(searchId(before) - 1n);
    const to = ends.reduce((lowest, end) => (end < lowest ? end : lowest));
    return this.#find.all(match, from, to, limit).map(({ id }) => BigInt(id));
  }
}

/** Where the message stands in the order of searches; two messages can share it, though hardly ever do. */
export function searchId({ serverTimeMs, msgId }: Pick<StoredMessage, 'serverTimeMs' | 'msgId'>): bigint {
  return timeBits(serverTimeMs) | (toInteger(msgId) & LOW);
}

function timeBits(ms: number): bigint {
  return BigInt.asIntN(64, BigInt(Math.trunc(Math.min(Math.max(ms, 0), 2 ** 43 - 1))) << LOW_BITS);
}

function place({ conversationId, senderId }: Indexed): string {
  return `c${conversationId} s${senderId}`;
}

/** FTS5's own language, of words that are letters and digits only. undefined: nothing can match. */
function matchExpression({ query, conversationId, senderId }: SearchQuery): string | undefined {
  const phrases = searchPhrases(query);
  if (phrases?.length === 0) return undefined;
  const parts = (phrases ?? []).map((phrase) => `words : ${quoted(phrase)}`);
  if (conversationId !== undefined) parts.push(`place : ${quoted({ words: [`c${conversationId}`], prefix: false })}`);
  if (senderId !== undefined) parts.push(`place : ${quoted({ words: [`s${senderId}`], prefix: false })}`);
  return parts.length === 0 ? undefined : parts.join(' AND ');
}

function quoted({ words, prefix }: SearchPhrase): string {
  return `"${words.join(' ').replaceAll('"', '""')}"${prefix ? ' *' : ''}`;
}
