import { historyResponse, MAX_DATA_AFTER_LOGIN, type Message, messagePush } from '@fastim/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historyAnswer } from './history-answer.ts';

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const id = fc.bigInt({ min: 1n, max: 0xffff_ffff_ffff_ffffn });
const message: fc.Arbitrary<Message> = fc.record({
  msgId: id,
  conversationId: id,
  convSeq: count,
  senderId: id,
  clientMsgId: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  kind: fc.nat({ max: 9 }),
  body: fc.nat({ max: 17_000 }).map((length) => new Uint8Array(length)),
  serverTimeMs: count,
  countNo: count,
});

function pieceOf(each: Message): Uint8Array {
  return messagePush.encode({ messages: [each] });
}

describe('a history answer put together from pieces', () => {
  it('is what the codec makes, byte for byte', () => {
    const headSeqs = fc.oneof(count, fc.constantFrom(1, 127, 128, 0xffff_ffff, 2 ** 32, Number.MAX_SAFE_INTEGER));
    fc.assert(
      fc.property(fc.array(message, { maxLength: 3 }), id, headSeqs, (messages, conversationId, headSeq) => {
        fc.pre(headSeq > 0);
        const made = historyAnswer(conversationId, messages.map(pieceOf), false, headSeq);
        const encoded = historyResponse.encode({ status: undefined, conversationId, messages, headSeq });
        expect(Buffer.compare(made, encoded)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it.each([true, false])('leaves out at the far end what does not fit (newest first: %s)', (newestFirst) => {
    fc.assert(
      fc.property(fc.array(message, { minLength: 1, maxLength: 20 }), (messages) => {
        const made = historyAnswer(7n, messages.map(pieceOf), newestFirst, 5);
        expect(made.length).toBeLessThanOrEqual(MAX_DATA_AFTER_LOGIN);
        const got = historyResponse.decode(made).messages.map((each) => each.convSeq);
        expect(got.length).toBeGreaterThan(0);
        const all = messages.map((each) => each.convSeq);
        expect(got).toEqual(newestFirst ? all.slice(all.length - got.length) : all.slice(0, got.length));
      }),
      { numRuns: 40 },
    );
  });

  it('leaves the pieces as they are', () => {
    const piece = Uint8Array.of(0x0a, 2, 0x08, 1);
    historyAnswer(7n, [piece], false, 5);
    expect([...piece]).toEqual([0x0a, 2, 0x08, 1]);
  });
});
