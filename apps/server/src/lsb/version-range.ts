export type Version = readonly [major: number, minor: number, patch: number];

type Comparison = '<' | '<=' | '>' | '>=' | '=';

interface Bound {
  readonly comparison: Comparison;
  readonly version: Version;
}

const BOUND = /^(<=|>=|<|>|=)?(\d{1,9})\.(\d{1,9})\.(\d{1,9})$/;

/** Of "name/1.2.3" or "name/1.2.3-beta.1+x": a pre-release counts as its release. Undefined: it has none. */
export function versionOf(clientVersion: string): Version | undefined {
  const match = /\/(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-+][0-9A-Za-z.+-]*)?$/.exec(clientVersion);
  return match ? [Number(match[1]), Number(match[2]), Number(match[3])] : undefined;
}

/** Whether all bounds of a range like ">=1.2.0 <2.0.0" hold. A range that cannot be read holds for nobody. */
export function isInRange(version: Version, range: string): boolean {
  const bounds = boundsOf(range);
  return bounds?.every((bound) => holds(bound, version)) ?? false;
}

export function isVersionRange(text: string): boolean {
  return boundsOf(text) !== undefined;
}

function boundsOf(range: string): readonly Bound[] | undefined {
  const bounds: Bound[] = [];
  for (const word of range.trim().split(/\s+/)) {
    const match = BOUND.exec(word);
    if (!match) return undefined;
    const version: Version = [Number(match[2]), Number(match[3]), Number(match[4])];
    bounds.push({ comparison: (match[1] as Comparison | undefined) ?? '=', version });
  }
  return bounds;
}

function holds({ comparison, version }: Bound, asked: Version): boolean {
  const order = compare(asked, version);
  switch (comparison) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
    case '=':
      return order === 0;
  }
}

function compare(left: Version, right: Version): number {
  for (let index = 0; index < left.length; index += 1) {
    if (left[index] !== right[index]) return left[index]! - right[index]!;
  }
  return 0;
}
