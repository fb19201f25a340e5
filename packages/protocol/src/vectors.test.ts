import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Command, requestCommands } from './commands.ts';
import { errorCatalogue, RemoteProtocolError } from './errors.ts';
import { FrameDecoder } from './frame-decoder.ts';
import { encodeFrames, type OutgoingFrame } from './frame-encoder.ts';
import { HEADER_LENGTH, MsgType, readHeader } from './header.ts';
import { MAX_DATA_AFTER_LOGIN } from './limits.ts';
import type { Codec } from './messages/codec.ts';
import * as codecs from './messages/index.ts';

const document = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8');

/** The fenced blocks of one kind: first line the name, continued lines joined. */
function blocks(kind: string): Array<[string, string[]]> {
  return [...document.matchAll(new RegExp(`^\`\`\`${kind}\n([^]*?)^\`\`\`$`, 'gm'))].map((match) => {
    const [name, ...lines] = match[1]!.trimEnd().replaceAll(/\n +/g, '').split('\n');
    return [name!, lines];
  });
}

const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function field(lines: string[], name: string): string {
  const line = lines.find((one) => one === name || one.startsWith(`${name} `));
  if (line === undefined) throw new Error(`the vector has no ${name}`);
  return line.slice(name.length).trim();
}

function codecOf(name: string): Codec<unknown> {
  const codec = Object.entries<unknown>(codecs).find(([key]) => key === name)?.[1];
  if (!codec) throw new Error(`no message ${name}`);
  return codec as Codec<unknown>;
}

const ids = [
  ...['userId', 'senderId', 'msgId', 'conversationId', 'beforeConversationId', 'conversationIds', 'historyEpoch'],
  ...['mentions', 'forwardedFrom', 'recalledBy', 'userIds', 'ownerId', 'creatorId'],
];
const byteFields = ['clientMsgId', 'body'];

/** JSON of the document → values as the codecs have them. */
function fromJson(json: string): unknown {
  const revive = (value: unknown, key: string): unknown => {
    if (value === null) return undefined;
    if (Array.isArray(value)) return value.map((inner) => revive(inner, key));
    if (ids.includes(key)) return BigInt(String(value));
    if (byteFields.includes(key)) return bytesOf(String(value));
    if (typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([inner, one]) => [inner, revive(one, inner)]));
  };
  return revive(JSON.parse(json), '');
}

/** Bytes as hex: an empty field may come as either kind of byte array. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return hexOf(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

interface Vector {
  name: string;
  /** Undefined: only a message, without a frame. */
  header: Uint8Array | undefined;
  data: Uint8Array;
  codec: Codec<unknown>;
  value: unknown;
}

const vectors: Vector[] = blocks('vector').flatMap(([name, lines]) => {
  const found: Vector[] = [];
  for (let rest = lines; rest.length > 0; ) {
    const hasHeader = rest[0]!.startsWith('header');
    const [header, data, message] = hasHeader ? rest : [undefined, ...rest];
    const [, codec, json] = /^(\w+) (.*)$/.exec(message!)!;
    found.push({
      name,
      header: header === undefined ? undefined : bytesOf(header.slice('header'.length)),
      data: bytesOf(data!.slice('data'.length)),
      codec: codecOf(codec!),
      value: fromJson(json!),
    });
    rest = rest.slice(hasHeader ? 3 : 2);
  }
  return found;
});

describe('the test vectors of PROTOCOL.md', () => {
  it('are there, for every command in every direction', () => {
    const seen = new Set(vectors.flatMap(({ header }) => (header ? [`${header[8]}/${header[9]}`] : [])));
    const expected = Object.values(Command).flatMap((cmd) =>
      requestCommands.has(cmd)
        ? [`${cmd}/${MsgType.request}`, `${cmd}/${MsgType.response}`]
        : [`${cmd}/${MsgType.notify}`],
    );
    expect([...seen].toSorted()).toEqual(expected.toSorted());
    expect(blocks('bad-frame').length).toBeGreaterThanOrEqual(10);
    expect(blocks('bad-data').length).toBeGreaterThanOrEqual(9);
  });

  it.each(vectors.map((vector, index) => [`${index + 1}. ${vector.name}`, vector] as const))(
    '%s: the bytes are the values, and the values are the bytes',
    (_name, { header, data, codec, value }) => {
      expect(plain(codec.decode(data))).toEqual(plain(value));
      expect(hexOf(codec.encode(value))).toBe(hexOf(data));
      if (!header) return;
      expect(header).toHaveLength(HEADER_LENGTH);
      const fields = readHeader(new DataView(header.buffer), 0);
      expect(fields.dataLength).toBe(data.length);
      expect(hexOf(encodeFrames([{ ...fields, data }]))).toBe(hexOf(header) + hexOf(data));
    },
  );

  it('read as one stream, cut anywhere, give all frames in order', () => {
    const frames: OutgoingFrame[] = [];
    let stream = '';
    for (const { header, data } of vectors) {
      if (!header) continue;
      frames.push({ ...readHeader(new DataView(header.buffer), 0), data });
      stream += hexOf(header) + hexOf(data);
    }
    const bytes = bytesOf(stream);
    for (const length of [1, 7, 22, 100, bytes.length]) {
      const decoder = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
      const found: OutgoingFrame[] = [];
      for (let at = 0; at < bytes.length; at += length) found.push(...decoder.push(bytes.slice(at, at + length)));
      expect(found.map(({ sequenceId, data }) => [sequenceId, hexOf(data)])).toEqual(
        frames.map(({ sequenceId, data }) => [sequenceId, hexOf(data)]),
      );
    }
  });

  it.each(blocks('bad-frame'))('bytes that are not frames: %s', (_name, lines) => {
    const bytes = bytesOf(field(lines, 'bytes'));
    const limit = Number(field(lines, 'limit'));
    const fault = field(lines, 'fault');
    expect(errorCatalogue).toHaveProperty(fault);
    for (const length of [1, bytes.length]) {
      const decoder = new FrameDecoder(limit);
      for (let at = 0; at < bytes.length; at += length) decoder.push(bytes.slice(at, at + length));
      expect(decoder.fault?.reason).toBe(fault);
    }
  });

  it.each(blocks('bad-data'))('data that is not a message: %s', (_name, lines) => {
    const codec = codecOf(lines[0]!);
    const data = bytesOf(field(lines, 'data'));
    expect(() => codec.decode(data)).toThrow(RemoteProtocolError);
    expect(() => codec.decode(data)).toThrow(expect.objectContaining({ reason: 'BAD_REQUEST' }));
  });
});
