import type { GrayRule } from '../registry/contract.ts';
import { stableHash } from './stable-hash.ts';
import { isInRange, versionOf } from './version-range.ts';

/** Who asks, as far as gray rules care. */
export interface GraySubject {
  readonly userId: bigint;
  /** "name/semver". */
  readonly clientVersion: string;
}

/** One rule that fits is enough; of a rule all parts that are given have to. */
export function isGrayFor(rules: readonly GrayRule[], subject: GraySubject): boolean {
  return rules.some((rule) => fits(rule, subject));
}

function fits({ percentage, userIds, version }: GrayRule, { userId, clientVersion }: GraySubject): boolean {
  // A rule without a part is nobody's rule.
  if (percentage === undefined && userIds === undefined && version === undefined) return false;
  if (percentage !== undefined && percentOf(userId) >= percentage) return false;
  if (userIds !== undefined && !userIds.includes(String(userId))) return false;
  if (version === undefined) return true;
  const asked = versionOf(clientVersion);
  return asked !== undefined && isInRange(asked, version);
}

/** Where a user stands between 0 and 100, on every LSB and for good. */
function percentOf(userId: bigint): number {
  return (stableHash(`gray/${userId}`) / 2 ** 32) * 100;
}
