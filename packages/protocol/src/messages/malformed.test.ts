import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { RemoteProtocolError } from '../errors.ts';
import { MAX_DATA_AFTER_LOGIN } from '../limits.ts';
import type { Codec } from './codec.ts';
import * as codecs from './index.ts';

const allCodecs = Object.entries<unknown>(codecs).filter(
  (entry): entry is [string, Codec<unknown>] =>
    typeof entry[1] === 'object' && entry[1] !== null && 'decode' in entry[1],
);

/** Undefined when the bytes are accepted; anything else than a RemoteProtocolError fails the test. */
function refusal(codec: Codec<unknown>, data: Uint8Array): string | undefined {
  try {
    codec.decode(data);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(RemoteProtocolError);
    return (error as RemoteProtocolError).reason;
  }
}

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
/** A SendRequest that is right, to append the bad field to. */
const good = hex(`0a10${'11'.repeat(16)}`);
const after = (tail: string) => new Uint8Array(Buffer.concat([good, hex(tail)]));
const manyTimes = (field: string, times: number) => hex(field.repeat(times));

const malformed: ReadonlyArray<[string, Codec<unknown>, Uint8Array]> = [
  ['a varint that ends in the middle', codecs.sendRequest, after('18 ff')],
  ['a tag that ends in the middle', codecs.sendRequest, after('80')],
  ['a known field with a varint of 11 bytes', codecs.historyRequest, hex('10 ff ff ff ff ff ff ff ff ff ff 01')],
  ['a small field with a varint of 11 bytes', codecs.sendRequest, after('18 80 80 80 80 80 80 80 80 80 80 01')],
  ['a bool with a varint of 11 bytes', codecs.historyRequest, hex('28 80 80 80 80 80 80 80 80 80 80 01')],
  ['an unknown field with a varint of 11 bytes', codecs.sendRequest, after('78 80 80 80 80 80 80 80 80 80 80 01')],
  ['a tag of more than 32 bits', codecs.sendRequest, after('ff ff ff ff ff 01 00')],
  ['a fixed64 that is cut short', codecs.sendRequest, after('11 01 02 03')],
  ['bytes that reach past the end', codecs.sendRequest, after('22 05 01')],
  ['bytes of 4 GiB', codecs.sendRequest, after('22 ff ff ff ff 0f')],
  ['bytes with a length of more than 32 bits', codecs.sendRequest, after('22 ff ff ff ff ff 01')],
  ['an inner message that reaches past the end', codecs.messagePush, hex('0a 7f 08')],
  ['an inner message whose field reaches past it', codecs.messagePush, hex('0a 02 2a 04 01 02 03 04')],
  ['an id as varint (wrong wire type)', codecs.sendRequest, after('10 01')],
  ['a number as bytes (wrong wire type)', codecs.sendRequest, after('1a 01 00')],
  ['bytes as fixed32 (wrong wire type)', codecs.sendRequest, after('25 01 02 03 04')],
  ['a string as varint (wrong wire type)', codecs.textBody, hex('08 01')],
  ['an inner message as varint (wrong wire type)', codecs.messagePush, hex('08 01')],
  ['a packed list as varint (wrong wire type)', codecs.conversationsRequest, hex('08 01')],
  ['a packed list that is not a multiple of 8', codecs.conversationsRequest, hex('0a 03 01 02 03')],
  ['wire type 6', codecs.sendRequest, after('7e')],
  ['wire type 7', codecs.sendRequest, after('7f')],
  ['the end of a group that never began', codecs.sendRequest, after('7c')],
  ['a group that never ends', codecs.sendRequest, after('7b 08 01')],
  ['a group that ends with another number', codecs.sendRequest, after('7b 84 01')],
  ['field number 0', codecs.sendRequest, after('00 01')],
  ['field number 0 inside a group', codecs.sendRequest, after('7b 00 01 7c')],
  ['groups nested 1,000 deep', codecs.sendRequest, after('7b'.repeat(1_000) + '7c'.repeat(1_000))],
  ['32,000 empty inner messages', codecs.messagePush, manyTimes('0a00', 32_000)],
  ['32,000 empty conversations', codecs.heartbeatResponse, manyTimes('1a00', 32_000)],
  ['8,000 packed ids', codecs.conversationsRequest, hex(`0a 80f403 ${'00'.repeat(64_000)}`)],
  ['1,001 cursor moves', codecs.cursorRequest, manyTimes('0a00', 1_001)],
  ['text that is not UTF-8 (a lone continuation byte)', codecs.textBody, hex('0a 02 61 80')],
  ['text that is not UTF-8 (overlong)', codecs.textBody, hex('0a 02 c0 80')],
  ['text that is not UTF-8 (a surrogate)', codecs.textBody, hex('0a 03 ed a0 80')],
  ['text that is not UTF-8 (over U+10FFFF)', codecs.textBody, hex('0a 04 f4 90 80 80')],
  ['long text that is not UTF-8', codecs.textBody, hex(`0a 64 ${'61'.repeat(99)} ff`)],
  ['a token that is not UTF-8', codecs.loginRequest, hex('0a 01 ff')],
  ['a count over 2^53 - 1', codecs.historyRequest, hex('10 80 80 80 80 80 80 80 10')],
  ['a client_msg_id of 15 bytes', codecs.sendRequest, hex(`0a0f${'11'.repeat(15)}`)],
  ['a client_msg_id of 17 bytes', codecs.sendRequest, hex(`0a11${'11'.repeat(17)}`)],
  ['a send request without client_msg_id', codecs.sendRequest, new Uint8Array(0)],
  ['an edit whose target is a fixed64 (wrong wire type)', codecs.editBody, hex('09 0100000000000000')],
  ['1,001 mentions', codecs.textBody, hex(`12 c83e ${'00'.repeat(8_008)}`)],
  ['a setting that is given as bytes', codecs.settingsRequest, hex('12 01 00')],
  ['a setting whose text is not UTF-8', codecs.settingsRequest, hex('32 01 ff')],
  ['1,001 messages to hide', codecs.settingsRequest, hex(`3a e907 ${'01'.repeat(1_001)}`)],
  ['a conv_seq to hide over 2^53 - 1', codecs.settingsRequest, hex('3a 08 8080808080808010')],
  ['1,001 users in a change', codecs.changeGroupRequest, hex(`22 c83e ${'00'.repeat(8_008)}`)],
  ['a change whose users are cut short', codecs.changeGroupRequest, hex('22 07 01020304050607')],
  ['a group whose name is not UTF-8', codecs.createGroupRequest, hex('12 02 c3 28')],
  ['a link token that is not UTF-8', codecs.joinRequest, hex('12 01 80')],
  ['1,001 reactions to one message', codecs.historyResponse, hex(`1a d40f 6801 ${'7200'.repeat(1_001)}`)],
  ['marks that reach past their message', codecs.messagePush, hex('0a 04 72 05 0a 01')],
  ['1,001 read counts', codecs.readCountsRequest, hex(`12 e907 ${'01'.repeat(1_001)}`)],
  ['bytes of something else', codecs.sendRequest, new Uint8Array(Buffer.from('{"text":"hello"}'))],
];

describe('a malformed message', () => {
  it.each(malformed)('%s is BAD_REQUEST', (_what, codec, data) => {
    expect(data.length).toBeLessThanOrEqual(MAX_DATA_AFTER_LOGIN);
    expect(refusal(codec, data)).toBe('BAD_REQUEST');
    // The same through a Node Buffer, for which protobufjs has a reader of its own.
    expect(refusal(codec, Buffer.from(data))).toBe('BAD_REQUEST');
  });

  it('is not: an unknown field of any kind, which is dropped', () => {
    const unknown = ['78 01', '79 0102030405060708', '7a 02 aabb', '7d 01020304', '7b 08 01 7c', 'f8 ff ff ff 0f 05'];
    const expected = codecs.sendRequest.decode(good);
    for (const tail of unknown) expect(codecs.sendRequest.decode(after(tail))).toEqual(expected);
  });

  it('is not: a field given twice, of which the last one counts', () => {
    expect(codecs.sendRequest.decode(after('18 01 18 02')).kind).toBe(2);
  });

  it('is found quickly even at the largest size', () => {
    const started = performance.now();
    for (const [, codec, data] of malformed) for (let turn = 0; turn < 10; turn += 1) refusal(codec, data);
    expect((performance.now() - started) / 10).toBeLessThan(500);
  });
});

describe('any bytes', () => {
  it.each(allCodecs)('are a value of %s or BAD_REQUEST, never another throw', (_name, codec) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        expect(refusal(codec, data)).toBeOneOf([undefined, 'BAD_REQUEST']);
      }),
      { numRuns: runs(200) },
    );
  });

  it('near a right message are so too', () => {
    const right = codecs.messagePush.encode({
      messages: [1, 2].map((convSeq) => ({
        msgId: 2n ** 63n,
        conversationId: 77n,
        convSeq,
        senderId: 5n,
        clientMsgId: new Uint8Array(16).fill(9),
        kind: 1,
        body: codecs.textBody.encode(codecs.plainText('hello')),
        serverTimeMs: 1_800_000_000_000,
        countNo: 300,
      })),
    });
    fc.assert(
      fc.property(fc.nat({ max: right.length - 1 }), fc.nat({ max: 255 }), fc.nat({ max: 20 }), (at, value, cut) => {
        const mutated = right.slice(0, right.length - cut);
        if (at < mutated.length) mutated[at] = value;
        for (const [, codec] of allCodecs) expect(refusal(codec, mutated)).toBeOneOf([undefined, 'BAD_REQUEST']);
      }),
      { numRuns: runs(300) },
    );
  });
});
