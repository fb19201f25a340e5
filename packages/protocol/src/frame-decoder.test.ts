import { describe, expect, it } from 'vitest';
import { FrameDecoder } from './frame-decoder.ts';
import { encodeFrames, type OutgoingFrame } from './frame-encoder.ts';
import { type Frame, HEADER_LENGTH, PROTOCOL_VERSION, writeHeader } from './header.ts';
import { MAX_DATA_AFTER_LOGIN, MAX_DATA_BEFORE_LOGIN } from './limits.ts';

function frame(sequenceId: number, length: number): OutgoingFrame {
  return {
    cmd: 16,
    msgType: 1,
    logId: 7,
    sequenceId,
    data: Uint8Array.from({ length }, (_, index) => (index * 31 + sequenceId) & 0xff),
  };
}

function decoded(sent: OutgoingFrame): Frame {
  return { ...sent, version: PROTOCOL_VERSION };
}

/** A header that says anything. */
function header(fields: { version?: number; dataLength?: number }): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH);
  writeHeader(new DataView(bytes.buffer), 0, {
    version: 1,
    cmd: 16,
    msgType: 1,
    logId: 0,
    sequenceId: 0,
    dataLength: 0,
    ...fields,
  });
  return bytes;
}

/** Pushes copies, then spoils them: what the decoder keeps may not depend on the chunk after the call. */
function pushAndSpoil(decoder: FrameDecoder, bytes: Uint8Array): Frame[] {
  const chunk = bytes.slice();
  const frames = decoder.push(chunk).map((found) => ({ ...found, data: found.data.slice() }));
  chunk.fill(0xaa);
  return frames;
}

describe('the frame decoder', () => {
  const sent = [frame(0, 0), frame(1, 1), frame(2, 300), frame(3, 5)];
  const bytes = encodeFrames(sent);

  it('finds the same frames when the stream is cut at any one byte', () => {
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
      const frames = [...pushAndSpoil(decoder, bytes.subarray(0, cut)), ...pushAndSpoil(decoder, bytes.subarray(cut))];
      expect(frames).toEqual(sent.map(decoded));
      expect(decoder.fault).toBeUndefined();
      expect(decoder.buffered).toBe(0);
    }
  });

  it('finds the same frames when every byte comes alone', () => {
    const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
    const frames: Frame[] = [];
    for (const byte of bytes) frames.push(...pushAndSpoil(decoder, Uint8Array.of(byte)));
    expect(frames).toEqual(sent.map(decoded));
  });

  it('finds 10,000 frames in one chunk, in order, as views without a copy', () => {
    const many = Array.from({ length: 10_000 }, (_, index) => frame(index, index % 7));
    const chunk = encodeFrames(many);
    const frames = new FrameDecoder(MAX_DATA_AFTER_LOGIN).push(chunk);
    expect(frames.map((found) => found.sequenceId)).toEqual(many.map((one) => one.sequenceId));
    expect(frames.every((found) => found.data.buffer === chunk.buffer)).toBe(true);
  });

  it('reads chunks that are views into a larger buffer', () => {
    const large = new Uint8Array(bytes.length + 100);
    large.set(bytes, 57);
    const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
    expect(decoder.push(large.subarray(57, 57 + bytes.length))).toEqual(sent.map(decoded));
  });

  it('takes a full frame byte by byte in linear time', () => {
    const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
    const large = encodeFrames([frame(9, MAX_DATA_AFTER_LOGIN)]);
    const started = performance.now();
    let found = 0;
    for (let index = 0; index < large.length; index += 1)
      found += decoder.push(large.subarray(index, index + 1)).length;
    expect(found).toBe(1);
    // Joining the chunks on every push moves 2 GiB here and takes seconds; linear work takes some milliseconds.
    expect(performance.now() - started).toBeLessThan(1_000);
  });

  it('counts the bytes of the unfinished frame', () => {
    const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
    decoder.push(bytes.subarray(0, 10));
    expect(decoder.buffered).toBe(10);
    decoder.push(bytes.subarray(10, 22 + 22 + 1 + 22 + 100));
    expect(decoder.buffered).toBe(22 + 100);
  });

  it('gives the frames before a fault, then the fault, then nothing more', () => {
    const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
    const broken = new Uint8Array(Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\nHost: example.org\r\n\r\n')]));
    expect(decoder.push(broken)).toEqual(sent.map(decoded));
    const fault = decoder.fault;
    expect(fault?.reason).toBe('BAD_FRAME');
    expect(decoder.push(bytes)).toEqual([]);
    expect(decoder.fault).toBe(fault);
    expect(decoder.buffered).toBe(0);
  });

  it('finds a wrong magic at its first wrong byte', () => {
    for (let wrong = 0; wrong < 4; wrong += 1) {
      const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
      for (let index = 0; index < wrong; index += 1) decoder.push(bytes.subarray(index, index + 1));
      expect(decoder.fault).toBeUndefined();
      decoder.push(Uint8Array.of(bytes[wrong]! ^ 0x20));
      expect(decoder.fault?.reason).toBe('BAD_FRAME');
    }
  });

  it('closes on a TLS hello and on HTTP', () => {
    for (const start of ['160301020001', Buffer.from('GET ').toString('hex')]) {
      const decoder = new FrameDecoder(MAX_DATA_BEFORE_LOGIN);
      decoder.push(Buffer.from(start, 'hex'));
      expect(decoder.fault?.reason).toBe('BAD_FRAME');
    }
  });

  it.each([0, 2, 2 ** 32 - 1])('refuses version %d with UPGRADE_REQUIRED, as soon as it is known', (version) => {
    const whole = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
    whole.push(header({ version, dataLength: 0xffff_ffff }));
    expect(whole.fault?.reason).toBe('UPGRADE_REQUIRED');

    const cut = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
    cut.push(header({ version }).subarray(0, 7));
    expect(cut.fault).toBeUndefined();
    cut.push(header({ version }).subarray(7, 8));
    expect(cut.fault?.reason).toBe('UPGRADE_REQUIRED');
    expect(cut.fault?.message).toBe(whole.fault?.message);
  });

  it.each([
    ['before login', MAX_DATA_BEFORE_LOGIN, 4_096],
    ['after login', MAX_DATA_AFTER_LOGIN, 65_536],
  ])('%s takes data of the limit, and refuses one byte more by the header alone', (_when, limit, largest) => {
    expect(new FrameDecoder(limit).push(encodeFrames([frame(1, largest)]))).toHaveLength(1);
    for (const dataLength of [largest + 1, 0x7fff_ffff, 0xffff_ffff]) {
      const decoder = new FrameDecoder(limit);
      decoder.push(header({ dataLength }));
      expect(decoder.fault?.reason).toBe('FRAME_TOO_LARGE');
      expect(decoder.faultHeader?.dataLength).toBe(dataLength);
      expect(decoder.buffered).toBe(0);
    }
  });

  it('applies a raised limit to the next header, not to the frame it is in', () => {
    const decoder = new FrameDecoder(100);
    const large = encodeFrames([frame(1, 101)]);
    decoder.push(encodeFrames([frame(0, 100)]).subarray(0, 50));
    decoder.setMaxDataLength(101);
    expect(decoder.push(encodeFrames([frame(0, 100)]).subarray(50))).toHaveLength(1);
    expect(decoder.push(large)).toHaveLength(1);
  });

  it('holds memory for bytes that came, not for bytes that were announced', () => {
    const decoders: FrameDecoder[] = [];
    const before = process.memoryUsage().arrayBuffers;
    for (let index = 0; index < 2_000; index += 1) {
      const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
      decoder.push(header({ dataLength: MAX_DATA_AFTER_LOGIN }));
      decoder.push(Uint8Array.of(1));
      decoders.push(decoder);
    }
    const held = process.memoryUsage().arrayBuffers - before;
    expect(decoders.every((decoder) => decoder.buffered === HEADER_LENGTH + 1)).toBe(true);
    // 2,000 announced frames are 128 MiB.
    expect(held).toBeLessThan(8 * 1024 * 1024);
  });
});
