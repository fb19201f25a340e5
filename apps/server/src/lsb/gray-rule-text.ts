import type { GrayRule } from '../registry/contract.ts';
import { isVersionRange } from './version-range.ts';

/** What the operator wrote is no gray rule; the message says what is wrong with it. */
export class GrayRuleError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'GrayRuleError';
  }
}

const MAX_ID = 2n ** 63n - 1n;

/**
 * One entry of the configuration's `gate.grayRules`: parts apart by spaces, each at most once, all of which have to fit:
 *
 *   percentage=10                   of the users, 0 to 100, fractions allowed
 *   users=17+18                     these
 *   version=>=1.2.0 <2.0.0          their client's version: bounds with <, <=, >, >=, = or nothing for =
 *
 * Throws GrayRuleError.
 */
export function parseGrayRule(text: string): GrayRule {
  const parts = new Map<string, string>();
  let last: string | undefined;
  for (const word of text.trim().split(/\s+/)) {
    const match = /^([a-z]+)=(.*)$/.exec(word);
    if (match) {
      last = match[1]!;
      if (parts.has(last)) throw new GrayRuleError(`"${last}" is given twice`);
      parts.set(last, match[2]!);
    } else if (last === 'version') {
      parts.set(last, `${parts.get(last)} ${word}`);
    } else {
      throw new GrayRuleError(`"${clip(word)}" is not like percentage=10, users=17+18 or version=>=1.2.0`);
    }
  }
  let rule: GrayRule = {};
  for (const [name, value] of parts) rule = { ...rule, ...partOf(name, value) };
  return rule;
}

function partOf(name: string, value: string): GrayRule {
  switch (name) {
    case 'percentage': {
      if (!/^\d{1,3}(\.\d{1,6})?$/.test(value) || Number(value) > 100) {
        throw new GrayRuleError(`percentage has to be a number from 0 to 100, not "${clip(value)}"`);
      }
      return { percentage: Number(value) };
    }
    case 'users': {
      const userIds = value.split('+');
      const wrong = userIds.find((userId) => !/^[1-9]\d{0,18}$/.test(userId) || BigInt(userId) > MAX_ID);
      if (wrong !== undefined) throw new GrayRuleError(`users has to be ids like 17+18, not "${clip(wrong)}"`);
      return { userIds };
    }
    case 'version': {
      if (!isVersionRange(value)) {
        throw new GrayRuleError(`version has to be a range like >=1.2.0 <2.0.0, not "${clip(value)}"`);
      }
      return { version: value };
    }
    default:
      throw new GrayRuleError(`there is no "${clip(name)}": only percentage, users and version`);
  }
}

function clip(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
