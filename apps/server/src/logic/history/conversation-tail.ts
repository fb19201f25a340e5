import { MessageKind } from '@fastim/protocol';
import { MAX_TAIL_BYTES, MAX_TAIL_GAP, TAIL_LENGTH } from '../logic-limits.ts';

/** A stored message, encoded as a MessagePush of one. */
export interface TailMessage {
  readonly convSeq: number;
  readonly kind: number;
  /** Of an edit, a recall, a reaction; else 0. */
  readonly targetSeq: number;
  readonly piece: Uint8Array;
  /** Members whose standing it changed. */
  readonly moved: readonly bigint[];
}

/** Bytes that a member takes, about. */
const MEMBER_BYTES = 64;
/** Bytes that a message takes besides its piece, about. */
const MESSAGE_BYTES = 64;

/**
 * The newest messages of one conversation, as they are stored, and members who may read them. It takes in every message
 * of the conversation by rising conv_seq; one that comes before its turn waits. So at any moment the tail is the
 * conversation as of `head`, edits, recalls, reactions and removals up to there included.
 *
 * What a later event changed is taken out (it depends on who asks how it looks then) and has to be read from the storage.
 */
export class ConversationTail {
  /** conv_seq of the first one kept. */
  #base: number;
  #messages: (TailMessage | undefined)[] = [];
  readonly #waiting = new Map<number, TailMessage>();
  readonly #joinSeqs = new Map<bigint, number>();
  #bytes = 0;
  #moves = 0;

  constructor(first: number) {
    this.#base = first;
  }

  /** Everything up to here has been taken in. */
  get head(): number {
    return this.#base + this.#messages.length - 1;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Rises whenever the standing of somebody changes. */
  get moves(): number {
    return this.#moves;
  }

  take(message: TailMessage): void {
    if (message.convSeq <= this.head) {
      // From before the tail's start, and late.
      this.#move(message.moved);
      return;
    }
    this.#waiting.set(message.convSeq, message);
    if (this.#waiting.size > MAX_TAIL_GAP) this.#startAnew();
    for (let next = this.#waiting.get(this.head + 1); next; next = this.#waiting.get(this.head + 1)) {
      this.#waiting.delete(next.convSeq);
      this.#append(next);
    }
  }

  /** The user is a member who may read from `joinSeq` on, as of now; `moves` has not changed since this was asked for. */
  learnMember(userId: bigint, joinSeq: number): void {
    if (!this.#joinSeqs.has(userId)) this.#bytes += MEMBER_BYTES;
    this.#joinSeqs.set(userId, joinSeq);
  }

  /** Undefined: not known. */
  joinSeqOf(userId: bigint): number | undefined {
    return this.#joinSeqs.get(userId);
  }

  /** Undefined when one of them is not here. */
  pieces(fromSeq: number, toSeq: number): Uint8Array[] | undefined {
    if (fromSeq < this.#base || toSeq > this.head) return undefined;
    const pieces: Uint8Array[] = [];
    for (let seq = fromSeq; seq <= toSeq; seq += 1) {
      const message = this.#messages[seq - this.#base];
      if (!message) return undefined;
      pieces.push(message.piece);
    }
    return pieces;
  }

  #append(message: TailMessage): void {
    this.#messages.push(message);
    this.#bytes += MESSAGE_BYTES + message.piece.length;
    this.#move(message.moved);
    if (message.targetSeq > 0) {
      this.#remove(message.targetSeq);
      // A recall takes the words out of the edits as well.
      if (message.kind === MessageKind.recall) this.#removeEditsOf(message.targetSeq);
    }
    while (this.#messages.length > TAIL_LENGTH || (this.#bytes > MAX_TAIL_BYTES && this.#messages.length > 1)) {
      this.#remove(this.#base);
      this.#messages.shift();
      this.#base += 1;
    }
  }

  #remove(seq: number): void {
    const index = seq - this.#base;
    const message = this.#messages[index];
    if (!message) return;
    this.#bytes -= MESSAGE_BYTES + message.piece.length;
    this.#messages[index] = undefined;
  }

  #removeEditsOf(targetSeq: number): void {
    this.#messages.forEach((message, index) => {
      if (message?.kind === MessageKind.edit && message.targetSeq === targetSeq) this.#remove(this.#base + index);
    });
  }

  #move(userIds: readonly bigint[]): void {
    if (userIds.length === 0) return;
    this.#moves += 1;
    for (const userId of userIds) if (this.#joinSeqs.delete(userId)) this.#bytes -= MEMBER_BYTES;
  }

  /** Some message never came here. What was before it may have been changed by it, and who is a member too. */
  #startAnew(): void {
    this.#moves += 1;
    this.#joinSeqs.clear();
    this.#messages = [];
    this.#bytes = 0;
    this.#base = Math.min(...this.#waiting.keys());
  }
}
