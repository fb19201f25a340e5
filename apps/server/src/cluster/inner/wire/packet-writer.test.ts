import { describe, expect, it } from 'vitest';
import { SLAB_BYTES } from './limits.ts';
import { PacketReader } from './packet-reader.ts';
import { PacketWriter } from './packet-writer.ts';

describe('the writer of packets', () => {
  it('writes every kind of number whole where its memory ends and other memory begins', () => {
    const writes: ReadonlyArray<[(to: PacketWriter) => void, (from: PacketReader) => unknown, unknown]> = [
      [(to) => to.u8(0xab), (from) => from.u8(), 0xab],
      [(to) => to.u16(0xabcd), (from) => from.u16(), 0xabcd],
      [(to) => to.u32(0xabcdef01), (from) => from.u32(), 0xabcdef01],
      [(to) => to.u48(0xabcdef012345), (from) => from.u48(), 0xabcdef012345],
      [(to) => to.f64(1.25), (from) => from.f64(), 1.25],
      [(to) => to.id(2n ** 63n + 5n), (from) => from.id(), 2n ** 63n + 5n],
      [(to) => to.ids([7n, 8n]), (from) => from.ids(), [7n, 8n]],
      [(to) => to.text('héllo'), (from) => from.text(), 'héllo'],
      [(to) => to.blob(Buffer.from('blob')), (from) => Buffer.from(from.blob()).toString(), 'blob'],
    ];
    for (const [write, read, value] of writes) {
      for (let left = 0; left < 20; left += 1) {
        const writer = new PacketWriter();
        // Copied, since it is small; so the memory is filled up to `left` bytes.
        for (let full = 0; full < SLAB_BYTES - left; full += 1) writer.u8(0x55);
        write(writer);
        const bytes = Buffer.concat(writer.take());
        expect(bytes.subarray(0, SLAB_BYTES - left).every((byte) => byte === 0x55)).toBe(true);
        expect(read(new PacketReader().open(bytes, SLAB_BYTES - left, bytes.length))).toEqual(value);
      }
    }
  });
});
