import { describe, expect, it } from 'vitest';
import { HEADER_LENGTH, MAGIC, MsgType, readHeader, writeHeader } from './header.ts';

const example = {
  version: 1,
  cmd: 16,
  msgType: MsgType.request,
  logId: 0x01020304,
  sequenceId: 0x0a0b0c0d,
  dataLength: 0x1000,
};

describe('the 22-byte header', () => {
  it('is laid out big-endian, in the order of the documented table', () => {
    const view = new DataView(new ArrayBuffer(HEADER_LENGTH));
    writeHeader(view, 0, example);
    expect(Buffer.from(view.buffer).toString('hex')).toBe(
      '4653544d' + '00000001' + '10' + '01' + '01020304' + '0a0b0c0d' + '00001000',
    );
  });

  it('reads what it wrote at any offset, up to the largest value of every field', () => {
    const largest = {
      version: 0xffff_ffff,
      cmd: 0xff,
      msgType: 0xff,
      logId: 0xffff_ffff,
      sequenceId: 0xffff_ffff,
      dataLength: 0xffff_ffff,
    };
    for (const header of [example, largest]) {
      for (const offset of [0, 1, 7]) {
        const view = new DataView(new ArrayBuffer(HEADER_LENGTH + 8));
        writeHeader(view, offset, header);
        expect(view.getUint32(offset)).toBe(MAGIC);
        expect(readHeader(view, offset)).toEqual(header);
      }
    }
  });

  it('begins with the letters FSTM', () => {
    expect(Buffer.from([MAGIC >>> 24, MAGIC >>> 16, MAGIC >>> 8, MAGIC]).toString('latin1')).toBe('FSTM');
  });
});
