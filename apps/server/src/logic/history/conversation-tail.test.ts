import { MessageKind } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { MAX_TAIL_BYTES, MAX_TAIL_GAP, TAIL_LENGTH } from '../logic-limits.ts';
import { ConversationTail, type TailMessage } from './conversation-tail.ts';

function at(convSeq: number, more: Partial<TailMessage> = {}): TailMessage {
  return { convSeq, kind: MessageKind.text, targetSeq: 0, piece: Uint8Array.of(convSeq % 256), moved: [], ...more };
}

function tailOf(...messages: TailMessage[]): ConversationTail {
  const tail = new ConversationTail(messages[0]!.convSeq);
  for (const message of messages) tail.take(message);
  return tail;
}

const numbers = (pieces: Uint8Array[] | undefined): number[] | undefined => pieces?.map((piece) => piece[0]!);

describe('the tail of a conversation', () => {
  it('gives what it has, and nothing of a range that it has not whole', () => {
    const tail = tailOf(at(5), at(6), at(7));
    expect(tail.head).toBe(7);
    expect(numbers(tail.pieces(5, 7))).toEqual([5, 6, 7]);
    expect(numbers(tail.pieces(6, 6))).toEqual([6]);
    expect(tail.pieces(4, 6)).toBeUndefined();
    expect(tail.pieces(6, 8)).toBeUndefined();
  });

  it('waits for those that come late, and is no further than the last in a row', () => {
    const tail = tailOf(at(1), at(4), at(3));
    expect(tail.head).toBe(1);
    expect(tail.pieces(1, 3)).toBeUndefined();
    tail.take(at(2));
    expect(tail.head).toBe(4);
    expect(numbers(tail.pieces(1, 4))).toEqual([1, 2, 3, 4]);
  });

  it('takes one that comes twice once', () => {
    const tail = tailOf(at(1), at(2), at(2), at(1));
    expect(numbers(tail.pieces(1, 2))).toEqual([1, 2]);
  });

  it.each([
    ['an edit', MessageKind.edit],
    ['a reaction', MessageKind.reaction],
    ['a recall', MessageKind.recall],
  ])('gives out no message that %s changed', (_name, kind) => {
    const tail = tailOf(at(1), at(2), at(3), at(4, { kind, targetSeq: 2 }));
    expect(tail.pieces(1, 4)).toBeUndefined();
    expect(tail.pieces(2, 2)).toBeUndefined();
    expect(numbers(tail.pieces(3, 4))).toEqual([3, 4]);
    expect(numbers(tail.pieces(1, 1))).toEqual([1]);
  });

  it('gives out no edit of a message that was recalled, but those of others', () => {
    const edit = (convSeq: number, targetSeq: number) => at(convSeq, { kind: MessageKind.edit, targetSeq });
    const tail = tailOf(at(1), at(2), edit(3, 1), edit(4, 2), at(5, { kind: MessageKind.recall, targetSeq: 1 }));
    expect(tail.pieces(3, 3)).toBeUndefined();
    expect(numbers(tail.pieces(4, 5))).toEqual([4, 5]);
  });

  it('has an effect only in its turn', () => {
    const tail = tailOf(at(1), at(3, { kind: MessageKind.recall, targetSeq: 1 }));
    // As of 1 nothing is recalled.
    expect(numbers(tail.pieces(1, 1))).toEqual([1]);
    tail.take(at(2));
    expect(tail.pieces(1, 1)).toBeUndefined();
  });

  it('forgets whose standing changed', () => {
    const tail = tailOf(at(1));
    tail.learnMember(7n, 1);
    tail.learnMember(8n, 1);
    const before = tail.moves;
    tail.take(at(2, { moved: [7n] }));
    expect([tail.joinSeqOf(7n), tail.joinSeqOf(8n)]).toEqual([undefined, 1]);
    expect(tail.moves).toBeGreaterThan(before);
  });

  it('forgets also by a message from before its start that comes late', () => {
    const tail = tailOf(at(5));
    tail.learnMember(7n, 1);
    tail.take(at(4, { moved: [7n] }));
    expect(tail.joinSeqOf(7n)).toBeUndefined();
    expect(numbers(tail.pieces(5, 5))).toEqual([5]);
  });

  it('starts anew, with nobody known, when a message never comes', () => {
    const tail = tailOf(at(1), at(2));
    tail.learnMember(7n, 1);
    const before = tail.moves;
    for (let seq = 4; seq <= 4 + MAX_TAIL_GAP; seq += 1) tail.take(at(seq));
    expect(tail.head).toBe(4 + MAX_TAIL_GAP);
    expect(tail.pieces(2, 2)).toBeUndefined();
    expect(numbers(tail.pieces(4, 5))).toEqual([4, 5]);
    expect(tail.joinSeqOf(7n)).toBeUndefined();
    expect(tail.moves).toBeGreaterThan(before);
  });

  it('is bounded in length, oldest out first', () => {
    const tail = tailOf(...Array.from({ length: TAIL_LENGTH + 10 }, (_, index) => at(index + 1)));
    expect(tail.pieces(10, 10)).toBeUndefined();
    expect(tail.pieces(11, TAIL_LENGTH + 10)).toHaveLength(TAIL_LENGTH);
  });

  it('is bounded in bytes, keeps its newest, and counts right', () => {
    const large = new Uint8Array(60_000);
    const tail = tailOf(at(1));
    const empty = tail.bytes;
    for (let seq = 2; seq <= 100; seq += 1) tail.take(at(seq, { piece: large }));
    expect(tail.bytes).toBeLessThanOrEqual(MAX_TAIL_BYTES);
    expect(tail.pieces(100, 100)).toHaveLength(1);
    for (let seq = 101; seq <= 101 + TAIL_LENGTH; seq += 1) tail.take(at(seq));
    expect(tail.bytes).toBe(empty * TAIL_LENGTH);
  });
});
