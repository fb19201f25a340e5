/**
 * The unread count of one conversation for one member (DESIGN 6): pure arithmetic, the same on server and client.
 * `countNo` is the running number of messages that count; edits, recalls, reactions and system notices do not raise it.
 */
export interface UnreadInput {
  /** count_no at the head. */
  readonly headCountNo: number;
  /** count_no at max(read_seq, join_seq − 1, my own last send). */
  readonly baseCountNo: number;
}

export function unreadCount({ headCountNo, baseCountNo }: UnreadInput): number {
  return Math.max(0, headCountNo - baseCountNo);
}

/** The conv_seq whose count_no is the base of `unreadCount`. */
export function unreadBaseSeq(readSeq: number, joinSeq: number, lastOwnSeq: number): number {
  return Math.max(readSeq, joinSeq - 1, lastOwnSeq, 0);
}
