import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../../scripts/test-scale.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { encodeFrames, type OutgoingFrame } from './frame-encoder.ts';
import { HEADER_LENGTH, PROTOCOL_VERSION } from './header.ts';

const LIMIT = 4_096;
const uint8 = fc.integer({ min: 0, max: 0xff });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const anyFrame: fc.Arbitrary<OutgoingFrame> = fc.record({
  cmd: uint8,
  msgType: uint8,
  logId: uint32,
  sequenceId: uint32,
  data: fc.oneof({ weight: 9, arbitrary: fc.uint8Array({ maxLength: 80 }) }, fc.uint8Array({ maxLength: LIMIT })),
});
const anyStream = fc.array(anyFrame, { maxLength: 8 });

/** A stream of frames with some bytes changed, taken out or put in, or cut off at the end. */
const anyMutatedStream = fc
  .tuple(
    anyStream.map((frames) => encodeFrames(frames)),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom('flip', 'insert', 'remove', 'truncate'), uint8), { maxLength: 4 }),
  )
  .map(([bytes, changes]) => {
    const mutated = [...bytes];
    for (const [place, change, value] of changes) {
      const at = mutated.length === 0 ? 0 : place % mutated.length;
      if (change === 'flip' && mutated.length > 0) mutated[at] = mutated[at]! ^ (value || 1);
      if (change === 'insert') mutated.splice(at, 0, value);
      if (change === 'remove') mutated.splice(at, 1 + (value % 30));
      if (change === 'truncate') mutated.length = at;
    }
    return Uint8Array.from(mutated);
  });

/** Chunk lengths; 1-byte slices are likely. */
const anyCuts = fc.oneof(
  fc.constant([1]),
  fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 5_000 })), {
    minLength: 1,
    maxLength: 40,
  }),
);

/** Decodes the bytes in chunks of these lengths (over and over) and checks what has to be true at every step. */
function decode(bytes: Uint8Array, cuts: readonly number[]) {
  const decoder = new FrameDecoder(LIMIT);
  const frames: object[] = [];
  let used = 0;
  for (let offset = 0, turn = 0; offset < bytes.length; turn += 1) {
    const chunk = bytes.slice(offset, offset + cuts[turn % cuts.length]!);
    offset += chunk.length;
    const hadFault = decoder.fault;
    for (const { data, ...rest } of decoder.push(chunk)) {
      expect(data.length).toBeLessThanOrEqual(LIMIT);
      used += HEADER_LENGTH + data.length;
      frames.push({ ...rest, data: Buffer.from(data).toString('hex') });
    }
    chunk.fill(0xbb);
    expect(decoder.buffered).toBeLessThan(HEADER_LENGTH + LIMIT);
    if (hadFault) expect(decoder.fault).toBe(hadFault);
    else if (!decoder.fault) expect(used + decoder.buffered).toBe(offset);
  }
  return { frames, fault: decoder.fault?.message, reason: decoder.fault?.reason };
}

describe('the frame decoder, fuzzed', () => {
  it('gives back any frames for any split', () => {
    fc.assert(
      fc.property(anyStream, anyCuts, (sent, cuts) => {
        const { frames, fault } = decode(encodeFrames(sent), cuts);
        expect(fault).toBeUndefined();
        expect(frames).toEqual(
          sent.map((frame) => ({
            ...frame,
            version: PROTOCOL_VERSION,
            data: Buffer.from(frame.data).toString('hex'),
          })),
        );
      }),
      { numRuns: runs(300) },
    );
  });

  it('never throws on random bytes, and mostly says BAD_FRAME', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 300 }), anyCuts, (bytes, cuts) => {
        const { frames, reason } = decode(bytes, cuts);
        if (Buffer.from(bytes.subarray(0, 4)).toString('latin1') !== 'FSTM') {
          expect([frames, reason]).toEqual([[], 'BAD_FRAME']);
        }
      }),
      { numRuns: runs(1_000) },
    );
  });

  it('finds the same frames and the same fault in a mutated stream, whatever the split', () => {
    fc.assert(
      fc.property(anyMutatedStream, anyCuts, anyCuts, (bytes, cuts, otherCuts) => {
        const whole = decode(bytes, [Math.max(1, bytes.length)]);
        expect(decode(bytes, cuts)).toEqual(whole);
        expect(decode(bytes, otherCuts)).toEqual(whole);
      }),
      { numRuns: runs(500) },
    );
  });

  it('holds the same for headers with any version and length', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(fc.constant(1), uint32), fc.oneof(fc.nat({ max: 200 }), uint32)), { maxLength: 5 }),
        fc.uint8Array({ maxLength: 400 }),
        anyCuts,
        (headers, tail, cuts) => {
          const parts = headers.map(([version, dataLength]) => {
            const bytes = Buffer.from(encodeFrames([{ cmd: 1, msgType: 1, logId: 0, sequenceId: 0, data: tail }]));
            bytes.writeUInt32BE(version, 4);
            bytes.writeUInt32BE(dataLength, 18);
            return bytes;
          });
          const bytes = new Uint8Array(Buffer.concat(parts));
          expect(decode(bytes, cuts)).toEqual(decode(bytes, [Math.max(1, bytes.length)]));
        },
      ),
      { numRuns: runs(500) },
    );
  });
});
