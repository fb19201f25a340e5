import { encodeFrames, FrameDecoder, HEADER_LENGTH, MAX_DATA_AFTER_LOGIN, type OutgoingFrame } from '@fastim/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OutQueue } from './out-queue.ts';

const frame = (sequenceId: number, length: number): OutgoingFrame => ({
  cmd: 17,
  msgType: 3,
  logId: sequenceId,
  sequenceId,
  data: new Uint8Array(length).fill(sequenceId),
});

describe('the out queue', () => {
  it('is empty at first and when all is taken', () => {
    const queue = new OutQueue();
    expect(queue.take(100)).toBeUndefined();
    queue.push(frame(1, 10));
    expect(queue.length).toBe(HEADER_LENGTH + 10);
    expect(queue.take(100)).toHaveLength(HEADER_LENGTH + 10);
    expect(queue.length).toBe(0);
    expect(queue.take(100)).toBeUndefined();
  });

  it('hands out a shared frame that is alone without a copy', () => {
    const queue = new OutQueue();
    const shared = encodeFrames([frame(1, 10)]);
    queue.pushEncoded(shared);
    expect(queue.take(100)).toBe(shared);
  });

  it('takes at least one frame, also one over the limit', () => {
    const queue = new OutQueue();
    queue.push(frame(1, MAX_DATA_AFTER_LOGIN));
    queue.push(frame(2, 1));
    expect(queue.take(100)).toHaveLength(HEADER_LENGTH + MAX_DATA_AFTER_LOGIN);
    expect(queue.take(100)).toHaveLength(HEADER_LENGTH + 1);
  });

  it('forgets everything when cleared', () => {
    const queue = new OutQueue();
    queue.push(frame(1, 10));
    queue.clear();
    expect([queue.length, queue.take(100)]).toEqual([0, undefined]);
  });

  it('keeps every frame whole and in order, however pushes and takes alternate', () => {
    const push = fc.record({ kind: fc.constantFrom('own', 'shared'), length: fc.nat({ max: 300 }) });
    const take = fc.record({ kind: fc.constant('take'), length: fc.integer({ min: 1, max: 1_000 }) });
    fc.assert(
      fc.property(fc.array(fc.oneof(push, take), { maxLength: 100 }), (steps) => {
        const queue = new OutQueue();
        const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
        const received: number[] = [];
        let pushed = 0;
        let expectedLength = 0;
        const receive = (bytes: Uint8Array | undefined, limit: number) => {
          if (!bytes) return;
          expectedLength -= bytes.length;
          const frames = decoder.push(bytes);
          expect(decoder.buffered).toBe(0);
          expect(bytes.length <= limit || frames.length === 1).toBe(true);
          for (const { sequenceId, data } of frames) {
            expect(data.every((byte) => byte === (sequenceId & 0xff))).toBe(true);
            received.push(sequenceId);
          }
        };
        for (const { kind, length } of steps) {
          if (kind === 'take') {
            receive(queue.take(length), length);
          } else {
            pushed += 1;
            expectedLength += HEADER_LENGTH + length;
            if (kind === 'own') queue.push(frame(pushed, length));
            else queue.pushEncoded(encodeFrames([frame(pushed, length)]));
          }
          expect(queue.length).toBe(expectedLength);
        }
        receive(queue.take(1e9), 1e9);
        expect(received).toEqual(Array.from({ length: pushed }, (_, index) => index + 1));
      }),
    );
  });
});
