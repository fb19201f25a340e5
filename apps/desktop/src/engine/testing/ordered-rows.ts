import { isEventContent } from '../message-content.ts';
import type { TableRow } from '../message-table.ts';
import type { StoredMessage } from '../store.ts';

/** One conversation's rows by conv_seq, and the events among them by their target. */
export class OrderedRows {
  readonly #rows = new Map<number, TableRow>();
  readonly #events = new Map<number, Set<number>>();
  /** The keys of `#rows`, rising. */
  readonly #seqs: number[] = [];

  get(convSeq: number): TableRow | undefined {
    return this.#rows.get(convSeq);
  }

  put(row: TableRow): void {
    const { convSeq } = row.message;
    if (this.#rows.has(convSeq)) this.delete(convSeq);
    this.#rows.set(convSeq, row);
    this.#seqs.splice(this.#place(convSeq), 0, convSeq);
    const { content } = row.message;
    if (!isEventContent(content)) return;
    const about = this.#events.get(content.targetSeq) ?? new Set();
    this.#events.set(content.targetSeq, about.add(convSeq));
  }

  delete(convSeq: number): void {
    const row = this.#rows.get(convSeq);
    if (!row) return;
    this.#rows.delete(convSeq);
    this.#seqs.splice(this.#place(convSeq), 1);
    if (isEventContent(row.message.content)) this.#events.get(row.message.content.targetSeq)?.delete(convSeq);
  }

  /** Both ends included. Nothing may be put or deleted on the way. */
  *between(fromSeq: number, toSeq: number, newestFirst: boolean): Generator<TableRow> {
    const from = this.#place(fromSeq);
    const to = this.#place(toSeq + 1);
    for (let step = 0; step < to - from; step += 1) {
      yield this.#rows.get(this.#seqs[newestFirst ? to - 1 - step : from + step]!)!;
    }
  }

  eventsAbout(targetSeq: number): StoredMessage[] {
    const seqs = [...(this.#events.get(targetSeq) ?? [])].sort((a, b) => a - b);
    return seqs.map((convSeq) => this.#rows.get(convSeq)!.message);
  }

  /** Index of the first conv_seq that is not lower. */
  #place(convSeq: number): number {
    let low = 0;
    let high = this.#seqs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#seqs[middle]! < convSeq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
