/**
 * Who is at the other end (reliability-security (f), decision 9): both sides prove that they know the cluster's secret,
 * bound to everything that was said before, to both random numbers and, with TLS, to the TLS connection. The secret
 * itself, or something to try guesses on by somebody who only listens at a port, is never sent: the dialler proves first.
 *
 *   dialler:  hello      version, who I am, whom I look for, my clock, random
 *   listener: challenge  version, who I am, my clock, random
 *   dialler:  proof      HMAC(key, "dialler" + hash of both packets)
 *   listener: welcome    HMAC(key, "listener" + the same hash)
 *
 * Either side may say `refusal` with a reason instead. After `welcome` the link is up. Without TLS the network between
 * the nodes has to be one where nobody else can change packets.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { NodeRole } from '../../registry/contract.ts';
import { CLUSTER_VERSION } from './cluster-version.ts';
import type { LinkSelf } from './contract.ts';
import type { LinkPeer } from './link.ts';
import type { LinkContext } from './link-context.ts';
import type { PacketSocket } from './packet-socket.ts';
import type { Refusal, RefusalCode } from './refusal.ts';
import { MalformedPacket, PacketReader } from './wire/packet-reader.ts';
import { PacketType } from './wire/packet-type.ts';
import { PacketWriter, textLength } from './wire/packet-writer.ts';

const MAGIC = 0x46_49_4c_4b;
const NONCE_BYTES = 32;
const LIFE_BYTES = 16;
const PROOF_BYTES = 32;
const MAX_REASON = 500;
const roles: readonly NodeRole[] = ['lsb', 'gate', 'api', 'logic'];

interface Introduction extends LinkSelf {
  readonly clockMs: number;
  readonly life: Uint8Array;
}

export interface HandshakeParts {
  readonly context: LinkContext;
  readonly socket: PacketSocket;
  /** What TLS says of itself (RFC 5705), so that a proof cannot be carried to another connection. */
  readonly binding: Uint8Array;
  /** Where the other side is, for the log. */
  readonly address: string;
  /** In the turn of the last packet: what follows it is the link's. */
  readonly onUp: (peer: LinkPeer) => void;
  /** Once, and then the socket ends. */
  readonly onRefused: (side: 'ours' | 'theirs', refusal: Refusal, from: string) => void;
}

/** The side that dials `nodeId`. */
export function dialHandshake(parts: HandshakeParts, expected: { nodeId: string; role: NodeRole }): void {
  const { context, socket } = parts;
  const hello = introduction(context, expected.nodeId);
  socket.writer.begin(PacketType.hello, hello.length);
  socket.writer.raw(hello);
  socket.written();
  let transcript: Buffer | undefined;
  let other: Introduction | undefined;
  let aheadMs = 0;
  socket.handler = guarded(parts, (type, bytes) => {
    if (!transcript) {
      wanted(type, PacketType.challenge);
      const read = readIntroduction(bytes);
      if ('code' in read) return refuse(parts, read, parts.address);
      other = read.from;
      aheadMs = other.clockMs - context.clock.now();
      transcript = transcriptOf(hello, bytes, parts.binding);
      const proof = proofOf(context.key, 'dialler', transcript);
      socket.writer.begin(PacketType.proof, proof.length);
      socket.writer.raw(proof);
      socket.written();
      return;
    }
    wanted(type, PacketType.welcome);
    const from = describe(other!, parts.address);
    if (!same(bytes, proofOf(context.key, 'listener', transcript))) {
      return refuse(parts, { code: 'secret', reason: 'it does not know the secret of this cluster' }, from);
    }
    const { nodeId, role } = expected;
    if (other!.nodeId !== nodeId || other!.role !== role) {
      return refuse(parts, { code: 'another', reason: `it is not ${nodeId} (${role})` }, from);
    }
    const refusal = judge(context, other!, aheadMs);
    if (refusal) return refuse(parts, refusal, from);
    context.lives.remember(nodeId, other!.life);
    parts.onUp({ nodeId, name: other!.name, clockAheadMs: aheadMs });
  });
}

/** The side that was dialled, for links of nodes of one role. */
export function answerHandshake(parts: HandshakeParts, role: NodeRole): void {
  const { context, socket } = parts;
  let transcript: Buffer | undefined;
  let other: Introduction | undefined;
  let aheadMs = 0;
  socket.handler = guarded(parts, (type, bytes) => {
    if (!transcript) {
      wanted(type, PacketType.hello);
      const read = readIntroduction(bytes);
      if ('code' in read) return refuse(parts, read, parts.address);
      other = read.from;
      if (read.to !== context.self.nodeId) {
        return refuse(parts, { code: 'another', reason: 'it looks for somebody else here' }, parts.address);
      }
      aheadMs = other.clockMs - context.clock.now();
      const challenge = introduction(context, other.nodeId);
      transcript = transcriptOf(bytes, challenge, parts.binding);
      socket.writer.begin(PacketType.challenge, challenge.length);
      socket.writer.raw(challenge);
      socket.written();
      return;
    }
    wanted(type, PacketType.proof);
    // What somebody says of himself counts from here on only.
    if (!same(bytes, proofOf(context.key, 'dialler', transcript))) {
      return refuse(parts, { code: 'secret', reason: 'it does not know the secret of this cluster' }, parts.address);
    }
    const from = describe(other!, parts.address);
    if (other!.role !== role) {
      return refuse(parts, { code: 'role', reason: `nodes of role ${other!.role} do not link in here` }, from);
    }
    const refusal = judge(context, other!, aheadMs);
    if (refusal) return refuse(parts, refusal, from);
    context.lives.remember(other!.nodeId, other!.life);
    const welcome = proofOf(context.key, 'listener', transcript);
    socket.writer.begin(PacketType.welcome, welcome.length);
    socket.writer.raw(welcome);
    socket.written();
    parts.onUp({ nodeId: other!.nodeId, name: other!.name, clockAheadMs: aheadMs });
  });
}

/** Says why, and hangs up. */
export function refuse(parts: HandshakeParts, refusal: Refusal, from: string): void {
  const { socket } = parts;
  if (!socket.open) return;
  const reason = refusal.reason.slice(0, MAX_REASON);
  socket.writer.begin(PacketType.refusal, textLength(refusal.code) + textLength(reason));
  socket.writer.text(refusal.code);
  socket.writer.text(reason);
  parts.onRefused('ours', refusal, from);
  void socket.finish('refused', refusal.reason, (callback) => parts.context.clock.setTimer(GRACE_MS, callback));
}

const GRACE_MS = 1_000;

/** What holds of every member of the cluster, whoever dialled. */
function judge(context: LinkContext, other: Introduction, aheadMs: number): Refusal | undefined {
  const { self, config, directory, lives } = context;
  if (other.nodeId === self.nodeId) return { code: 'taken', reason: `${other.nodeId} is my own id` };
  const listed = directory.nodes().find((node) => node.nodeId === other.nodeId);
  if (listed && listed.role !== other.role) {
    return { code: 'taken', reason: `${other.nodeId} is listed as a ${listed.role}, not as a ${other.role}` };
  }
  if (!lives.fits(other.nodeId, other.life)) {
    return { code: 'taken', reason: `the id ${other.nodeId} belongs to another process` };
  }
  if (Math.abs(aheadMs) <= config.maxClockSkewMs) return undefined;
  const direction = aheadMs > 0 ? 'ahead' : 'behind';
  const reason = `its clock is ${Math.abs(Math.round(aheadMs))} ms ${direction}; ${config.maxClockSkewMs} are allowed`;
  return { code: 'clock', reason };
}

/** Refusals, and whatever cannot be read, end the handshake. */
function guarded(parts: HandshakeParts, step: (type: number, payload: Buffer) => void): PacketSocket['handler'] {
  return (type, bytes, from, to) => {
    const payload = bytes.subarray(from, to);
    try {
      if (type !== PacketType.refusal) {
        step(type, payload);
        return;
      }
      const reader = new PacketReader().open(payload, 0, payload.length);
      const code = reader.text() as RefusalCode;
      const reason = reader.text().slice(0, MAX_REASON);
      parts.onRefused('theirs', { code: codes.has(code) ? code : 'protocol', reason }, parts.address);
      parts.socket.end('refused', reason);
    } catch (error) {
      if (!(error instanceof MalformedPacket)) throw error;
      refuse(parts, { code: 'protocol', reason: `it does not speak as nodes do: ${error.message}` }, parts.address);
    }
  };
}

const codes: ReadonlySet<string> = new Set<RefusalCode>([
  'secret',
  'version',
  'clock',
  'role',
  'taken',
  'another',
  'protocol',
  'timeout',
]);

function wanted(type: number, expected: number): void {
  if (type !== expected) throw new MalformedPacket(`packet ${type} instead of ${expected}`);
}

function introduction({ self, clock, random, life }: LinkContext, to: string): Buffer {
  const writer = new PacketWriter();
  // Magic and version stay where they are in every version of this.
  writer.u32(MAGIC);
  writer.u16(CLUSTER_VERSION);
  writer.text(self.nodeId);
  writer.text(self.name);
  writer.u8(roles.indexOf(self.role));
  writer.text(to);
  writer.f64(clock.now());
  writer.raw(life);
  writer.raw(random.bytes(NONCE_BYTES));
  return Buffer.concat(writer.take());
}

function readIntroduction(payload: Buffer): { from: Introduction; to: string } | Refusal {
  const reader = new PacketReader().open(payload, 0, payload.length);
  if (reader.u32() !== MAGIC) throw new MalformedPacket('not a node of a cluster');
  const version = reader.u16();
  if (version !== CLUSTER_VERSION) {
    return { code: 'version', reason: `its cluster version is ${version}, mine ${CLUSTER_VERSION}` };
  }
  const nodeId = reader.text();
  const name = reader.text();
  const role = roles[reader.u8()];
  if (role === undefined || nodeId === '') throw new MalformedPacket('no such role, or no id');
  const to = reader.text();
  const clockMs = reader.f64();
  if (!Number.isFinite(clockMs)) throw new MalformedPacket('no clock');
  const life = reader.raw(LIFE_BYTES);
  reader.raw(NONCE_BYTES);
  reader.end();
  return { from: { nodeId, name, role, clockMs, life }, to };
}

function transcriptOf(hello: Uint8Array, challenge: Uint8Array, binding: Uint8Array): Buffer {
  const hash = createHash('sha256');
  for (const part of [hello, challenge, binding]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    hash.update(length).update(part);
  }
  return hash.digest();
}

function proofOf(key: Uint8Array, side: 'dialler' | 'listener', transcript: Uint8Array): Buffer {
  return createHmac('sha256', key).update(side).update(transcript).digest();
}

function same(given: Uint8Array, expected: Uint8Array): boolean {
  return given.length === PROOF_BYTES && timingSafeEqual(given, expected);
}

function describe({ name, nodeId }: Introduction, address: string): string {
  return `${name} (${nodeId}) at ${address}`;
}
