import type { SeqRange } from '@fastim/core';

/** Ranges of conv_seqs, both ends included: sorted, disjoint and never adjacent. All functions return new lists. */
export type Ranges = readonly SeqRange[];

export function addRange(ranges: Ranges, from: number, to: number): Ranges {
  if (to < from) return ranges;
  const merged: SeqRange[] = [];
  let low = from;
  let high = to;
  let placed = false;
  for (const range of ranges) {
    if (range.to < low - 1) {
      merged.push(range);
    } else if (range.from > high + 1) {
      if (!placed) {
        merged.push({ from: low, to: high });
        placed = true;
      }
      merged.push(range);
    } else {
      low = Math.min(low, range.from);
      high = Math.max(high, range.to);
    }
  }
  if (!placed) merged.push({ from: low, to: high });
  return merged;
}

export function contains(ranges: Ranges, seq: number): boolean {
  return rangeAt(ranges, seq) !== undefined;
}

/** The range that holds `seq`. */
export function rangeAt(ranges: Ranges, seq: number): SeqRange | undefined {
  // From the end: what is asked for is nearly always new.
  for (let index = ranges.length - 1; index >= 0; index -= 1) {
    const range = ranges[index]!;
    if (seq > range.to) return undefined;
    if (seq >= range.from) return range;
  }
  return undefined;
}

/** What lies at or below `last`. */
export function cutRanges(ranges: Ranges, last: number): Ranges {
  return ranges.filter(({ from }) => from <= last).map(({ from, to }) => ({ from, to: Math.min(to, last) }));
}

/** What of from..to is not stored, rising. */
export function missing(ranges: Ranges, from: number, to: number): SeqRange[] {
  const holes: SeqRange[] = [];
  let next = from;
  for (const range of ranges) {
    if (range.to < next) continue;
    if (range.from > to) break;
    if (range.from > next) holes.push({ from: next, to: range.from - 1 });
    next = range.to + 1;
  }
  if (next <= to) holes.push({ from: next, to });
  return holes;
}

/** What lies at or above `first`. */
export function dropBelow(ranges: Ranges, first: number): Ranges {
  return ranges.filter(({ to }) => to >= first).map(({ from, to }) => ({ from: Math.max(from, first), to }));
}
