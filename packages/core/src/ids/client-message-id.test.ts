import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { CLIENT_MESSAGE_ID_RANDOM_BYTES, fromHex, makeClientMessageId, toHex } from './client-message-id.ts';

const random = fc.uint8Array({ minLength: CLIENT_MESSAGE_ID_RANDOM_BYTES, maxLength: CLIENT_MESSAGE_ID_RANDOM_BYTES });

describe('client message ids', () => {
  it('are the time, then the random bytes, as 32 lower-case hex digits', () => {
    const bytes = Uint8Array.of(0, 1, 2, 3, 4, 5, 0xab, 0xcd, 0xef, 0xff);
    expect(makeClientMessageId(0x0123_4567_89ab, bytes)).toBe('0123456789ab' + '00010203040' + '5abcdefff');
  });

  it('rise with the time and are 16 bytes, whatever the clock says', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 40 }), fc.nat({ max: 1e9 }), random, random, (time, later, one, other) => {
        const first = makeClientMessageId(time, one);
        const second = makeClientMessageId(time + later + 1, other);
        expect(first < second).toBe(true);
        expect(fromHex(first)).toHaveLength(16);
      }),
      { numRuns: runs(200) },
    );
    for (const wrong of [-5, 2 ** 60, 0.5]) {
      expect(makeClientMessageId(wrong, new Uint8Array(10))).toMatch(/^[0-9a-f]{32}$/);
    }
  });

  it('need exactly the right number of random bytes', () => {
    expect(() => makeClientMessageId(1, new Uint8Array(9))).toThrow(RangeError);
  });
});

describe('hex', () => {
  it('goes both ways for any bytes, also views', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes);
        expect(toHex(bytes.subarray(1))).toBe(toHex(bytes).slice(2));
      }),
      { numRuns: runs(200) },
    );
  });

  it.each(['0', 'zz', '0x', '1 ', ' 1', '+1'])('refuses %j', (text) => {
    expect(() => fromHex(text)).toThrow(RangeError);
  });
});
