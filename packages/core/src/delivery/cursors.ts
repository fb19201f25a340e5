/** A member's cursors in one conversation. They only rise (I9). */
export interface Cursors {
  readonly deliveredSeq: number;
  readonly readSeq: number;
}

/** Merging is max(): the order and number of merges do not matter. What is read is delivered. */
export function mergeCursors(a: Cursors, b: Cursors): Cursors {
  const readSeq = Math.max(a.readSeq, b.readSeq);
  return { deliveredSeq: Math.max(a.deliveredSeq, b.deliveredSeq, readSeq), readSeq };
}

/** A cursor a peer sent, held to what exists: never past the head, never below zero. */
export function clampCursor(seq: number, headSeq: number): number {
  return Math.max(0, Math.min(seq, headSeq));
}

/** The ticks of my own message, from the peer's cursors. */
export type DeliveryState = 'stored' | 'delivered' | 'read';

export function deliveryState(convSeq: number, peer: Cursors): DeliveryState {
  if (convSeq <= peer.readSeq) return 'read';
  if (convSeq <= peer.deliveredSeq) return 'delivered';
  return 'stored';
}
