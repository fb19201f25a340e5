import type { HistoryRequest, Message } from '@fastim/protocol';
import { MAX_TAILS, MAX_TAILS_BYTES } from '../logic-limits.ts';
import { ConversationTail } from './conversation-tail.ts';
import { historyAnswer } from './history-answer.ts';

/** What was the case when a membership began to be read. */
export interface BeforeRead {
  readonly tail: ConversationTail;
  readonly moves: number;
}

/**
 * The newest messages of hot groups in memory, for the pulls that follow each of them: hundreds of members ask for the
 * same few rows at about the same time.
 *
 * It never gives out less than was acknowledged: what was stored, changed, recalled, and who left, is taken in in the turn
 * of the acknowledgement, before anything else can be asked. That holds only where every message passes through this
 * object, that is with one logic node; several nodes do without it.
 *
 * Two generations, as in DedupeWindow: what nothing happened in for long is forgotten whole.
 */
export class HistoryTails {
  #young = new Map<bigint, ConversationTail>();
  #old = new Map<bigint, ConversationTail>();
  #youngBytes = 0;
  /** Answers given from memory, for metrics. */
  answers = 0;

  /** `piece`: the message as an encoded MessagePush. `moved`: whose standing it changed. */
  stored(message: Message, piece: Uint8Array, targetSeq: number, moved: readonly bigint[]): void {
    const { conversationId, convSeq, kind } = message;
    let tail = this.#find(conversationId);
    if (!tail) {
      tail = new ConversationTail(convSeq);
      this.#young.set(conversationId, tail);
    }
    const before = tail.bytes;
    tail.take({ convSeq, kind, targetSeq, piece, moved });
    this.#grew(tail.bytes - before);
  }

  /** Undefined: nothing is remembered of the conversation, so its members need not be either. */
  beforeRead(conversationId: bigint): BeforeRead | undefined {
    const tail = this.#find(conversationId);
    return tail && { tail, moves: tail.moves };
  }

  learnMember(before: BeforeRead | undefined, conversationId: bigint, userId: bigint, joinSeq: number): void {
    if (!before || this.#find(conversationId) !== before.tail || before.tail.moves !== before.moves) return;
    const bytes = before.tail.bytes;
    before.tail.learnMember(userId, joinSeq);
    this.#grew(before.tail.bytes - bytes);
  }

  /** The encoded HistoryResponse, or undefined when the storage has to be asked. */
  answer(request: HistoryRequest, userId: bigint, limit: number): Uint8Array | undefined {
    const { conversationId, newestFirst } = request;
    const tail = this.#find(conversationId);
    const joinSeq = tail?.joinSeqOf(userId);
    // Who asks beyond the head has heard of it from the storage, or wants to know what there is.
    if (!tail || joinSeq === undefined || request.toSeq === 0 || request.toSeq > tail.head) return undefined;
    const { toSeq } = request;
    const fromSeq = Math.max(request.fromSeq, joinSeq, 1);
    if (fromSeq > toSeq) return undefined;
    const pieces = newestFirst
      ? tail.pieces(Math.max(fromSeq, toSeq - limit + 1), toSeq)
      : tail.pieces(fromSeq, Math.min(toSeq, fromSeq + limit - 1));
    if (!pieces) return undefined;
    this.answers += 1;
    return historyAnswer(conversationId, pieces, newestFirst, tail.head);
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#youngBytes = 0;
  }

  #find(conversationId: bigint): ConversationTail | undefined {
    const young = this.#young.get(conversationId);
    if (young) return young;
    const old = this.#old.get(conversationId);
    if (!old) return undefined;
    this.#old.delete(conversationId);
    this.#young.set(conversationId, old);
    this.#grew(old.bytes);
    return old;
  }

  #grew(bytes: number): void {
    this.#youngBytes += bytes;
    if (this.#youngBytes <= MAX_TAILS_BYTES / 2 && this.#young.size <= MAX_TAILS / 2) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}
