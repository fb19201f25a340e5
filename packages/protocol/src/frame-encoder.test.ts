import { describe, expect, it } from 'vitest';
import { LocalProtocolError } from './errors.ts';
import { encodeFrames, FrameBatcher, frameLength, type OutgoingFrame, writeFrame } from './frame-encoder.ts';
import { MAX_DATA_AFTER_LOGIN } from './limits.ts';

function frame(sequenceId: number, data: string): OutgoingFrame {
  return { cmd: 2, msgType: 1, logId: 5, sequenceId, data: Buffer.from(data, 'hex') };
}

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex');
const first = '4653544d00000001020100000005000000010000000201ff';
const second = '4653544d000000010201000000050000000200000000';

describe('the frame encoder', () => {
  it('writes header and data, and many frames one after the other', () => {
    expect(hex(encodeFrames([frame(1, '01ff')]))).toBe(first);
    expect(hex(encodeFrames([frame(1, '01ff'), frame(2, '')]))).toBe(first + second);
    expect(encodeFrames([])).toHaveLength(0);
  });

  it('writes into a buffer at an offset and says where it ended', () => {
    const target = new Uint8Array(40).fill(0xee);
    const view = new DataView(target.buffer);
    expect(writeFrame(target, view, 3, frame(1, '01ff'))).toBe(3 + frameLength(frame(1, '01ff')));
    expect(hex(target)).toBe(`eeeeee${first}${'ee'.repeat(40 - 3 - 24)}`);
  });

  it('writes right into a pooled buffer, which begins somewhere in its memory', () => {
    expect(hex(encodeFrames([frame(1, '01ff'), frame(2, '')], Buffer.allocUnsafe))).toBe(first + second);
  });

  it('refuses data over the limit as our own mistake', () => {
    const tooLong = { ...frame(1, ''), data: new Uint8Array(MAX_DATA_AFTER_LOGIN + 1) };
    expect(() => encodeFrames([tooLong])).toThrow(LocalProtocolError);
    const longest = { ...frame(1, ''), data: new Uint8Array(MAX_DATA_AFTER_LOGIN) };
    expect(encodeFrames([longest])).toHaveLength(frameLength(longest));
  });
});

describe('the frame batcher', () => {
  it('gives everything queued as one buffer, in order, once', () => {
    const batcher = new FrameBatcher();
    expect(batcher.take()).toBeUndefined();
    expect(batcher.add(frame(1, '01ff'))).toBe(true);
    expect(batcher.add(frame(2, ''))).toBe(false);
    expect([batcher.count, batcher.length]).toEqual([2, (first.length + second.length) / 2]);
    expect(hex(batcher.take())).toBe(first + second);
    expect([batcher.count, batcher.length]).toEqual([0, 0]);
    expect(batcher.take()).toBeUndefined();
    expect(batcher.add(frame(2, ''))).toBe(true);
    expect(hex(batcher.take())).toBe(second);
  });

  it('keeps what was queued when a frame is refused', () => {
    const batcher = new FrameBatcher(Buffer.allocUnsafe);
    batcher.add(frame(1, '01ff'));
    expect(() => batcher.add({ ...frame(2, ''), data: new Uint8Array(MAX_DATA_AFTER_LOGIN + 1) })).toThrow(
      LocalProtocolError,
    );
    expect(hex(batcher.take())).toBe(first);
  });

  it('drops everything when cleared', () => {
    const batcher = new FrameBatcher();
    batcher.add(frame(1, '01ff'));
    batcher.clear();
    expect([batcher.count, batcher.length, batcher.take()]).toEqual([0, 0, undefined]);
  });
});
