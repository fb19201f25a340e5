import type { Identity } from '../../contract.ts';
import type { PacketReader } from './packet-reader.ts';
import { type PacketWriter, textLength } from './packet-writer.ts';

/** An identity, or that there is none. */
export function identityLength(identity: Identity | undefined): number {
  return identity ? 1 + 8 + 8 + 6 + textLength(identity.deviceId) : 1;
}

export function writeIdentity(to: PacketWriter, identity: Identity | undefined): void {
  to.u8(identity ? 1 : 0);
  if (!identity) return;
  to.id(identity.userId);
  to.id(identity.sessionId);
  to.u48(identity.epoch);
  to.text(identity.deviceId);
}

export function readIdentity(from: PacketReader): Identity | undefined {
  if (!from.flag()) return undefined;
  const userId = from.id();
  const sessionId = from.id();
  const epoch = from.u48();
  return { userId, sessionId, epoch, deviceId: from.text() };
}
