/** Users are spread over so many levels; under overload those of the higher ones are asked to come back later. */
export const USER_LEVELS = 128;

const HOUR_MS = 3_600_000;

/**
 * The user's level in this hour, 0 (goes first) to 127: the same on every node. Users are spread by a hash, and from hour to
 * hour all of them move on together: within four hours a user is once in each quarter of the levels, and within 128 once
 * in each level. A new hash every hour would leave one user in sixteen in the worse half for four hours.
 */
export function userLevel(userId: bigint, now: number): number {
  const hour = Math.floor(now / HOUR_MS);
  const quarter = QUARTERS[hour & 3]!;
  const within = Math.imul(hour >> 2, WITHIN_STEP) & 31;
  return (hashOf(userId) + quarter + within) & (USER_LEVELS - 1);
}

/** Of four hours, so that two that follow each other are far apart. */
const QUARTERS = [0, 64, 32, 96] as const;
/** Odd, so that all 32 places of a quarter come; small, so that any four hours are about evenly spread. */
const WITHIN_STEP = 5;

/** The bits of an id mixed well: ids of neighbours differ in few. */
function hashOf(id: bigint): number {
  let value = Number(BigInt.asUintN(32, id)) ^ Math.imul(Number(BigInt.asUintN(32, id >> 32n)), 0x9e3779b1);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
