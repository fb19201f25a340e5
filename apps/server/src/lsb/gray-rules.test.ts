import { describe, expect, it } from 'vitest';
import { runs } from '../../../../scripts/test-scale.ts';
import { GrayRuleError, parseGrayRule } from './gray-rule-text.ts';
import { isGrayFor } from './gray-rules.ts';
import { isInRange, versionOf } from './version-range.ts';

const subject = (userId: bigint, clientVersion = 'fastim-desktop/1.4.0') => ({ userId, clientVersion });

describe('gray rules', () => {
  it.each([1, 10, 33.5, 90])('take %d %% of the users, within four standard errors', (percentage) => {
    const users = runs(20_000);
    for (const first of [1n, 7_340_032_000_000_000_000n]) {
      let taken = 0;
      for (let index = 0; index < users; index += 1) {
        if (isGrayFor([{ percentage }], subject(first + BigInt(index) * 131_072n))) taken += 1;
      }
      const part = percentage / 100;
      expect(Math.abs(taken / users - part)).toBeLessThan(4 * Math.sqrt((part * (1 - part)) / users));
    }
  });

  it('keep whom they took when the percentage rises, and take nobody at 0 and all at 100', () => {
    for (let userId = 1n; userId <= 2_000n; userId += 1n) {
      const taken = [0, 5, 20, 60, 100].map((percentage) => isGrayFor([{ percentage }], subject(userId)));
      expect(taken.toSorted()).toEqual(taken);
      expect([taken[0], taken[4]]).toEqual([false, true]);
    }
  });

  it('say the same of a user in every process and for good', () => {
    const taken = Array.from({ length: 60 }, (_, index) => index + 1).filter((userId) =>
      isGrayFor([{ percentage: 10 }], subject(BigInt(userId))),
    );
    expect(taken).toMatchInlineSnapshot(`
      [
        9,
        22,
        23,
        36,
      ]
    `);
  });

  it('hold when all parts of one of them do', () => {
    const rule = parseGrayRule('percentage=100 users=7+8 version=>=1.2.0 <2.0.0');
    expect(isGrayFor([rule], subject(7n))).toBe(true);
    expect(isGrayFor([rule], subject(9n))).toBe(false);
    expect(isGrayFor([rule], subject(7n, 'fastim-desktop/2.0.0'))).toBe(false);
    expect(isGrayFor([rule], subject(7n, 'fastim-desktop'))).toBe(false);
    expect(isGrayFor([rule, { userIds: ['9'] }], subject(9n))).toBe(true);
    expect(isGrayFor([], subject(7n))).toBe(false);
    expect(isGrayFor([{}], subject(7n))).toBe(false);
  });
});

describe('the text of a gray rule', () => {
  it.each([
    ['percentage=10', { percentage: 10 }],
    ['percentage=0.5', { percentage: 0.5 }],
    ['  users=17+18  ', { userIds: ['17', '18'] }],
    ['version=>=1.2.0 <2.0.0', { version: '>=1.2.0 <2.0.0' }],
    ['version=1.2.3 percentage=10', { version: '1.2.3', percentage: 10 }],
    ['percentage=10 version=>=1.2.0', { percentage: 10, version: '>=1.2.0' }],
  ])('%s is read', (text, rule) => {
    expect(parseGrayRule(text)).toEqual(rule);
  });

  it.each([
    ['', /is not like/],
    ['everybody', /everybody/],
    ['percentage', /percentage/],
    ['percentage=101', /0 to 100/],
    ['percentage=-1', /0 to 100/],
    ['percentage=ten', /ten/],
    ['percentage=10 percentage=20', /twice/],
    ['users=', /ids/],
    ['users=17,18', /17,18/],
    ['users=9223372036854775808', /ids/],
    ['users=17 18', /18/],
    ['version=', /range/],
    ['version=^1.2.0', /range/],
    ['version=>=1.2', /range/],
    ['region=eu', /region/],
  ])('%j is refused with what is wrong', (text, message) => {
    expect(() => parseGrayRule(text)).toThrow(GrayRuleError);
    expect(() => parseGrayRule(text)).toThrow(message);
  });
});

describe('a range of versions', () => {
  it.each([
    ['>=1.2.0 <2.0.0', '1.2.0', true],
    ['>=1.2.0 <2.0.0', '1.10.0', true],
    ['>=1.2.0 <2.0.0', '2.0.0', false],
    ['>1.2.0', '1.2.0', false],
    ['<=1.2.0', '1.2.0', true],
    ['=1.2.0', '1.2.0', true],
    ['1.2.0', '1.2.1', false],
    ['nonsense', '1.2.1', false],
  ])('%s and %s', (range, version, expected) => {
    expect(isInRange(versionOf(`x/${version}`)!, range)).toBe(expected);
  });

  it('counts a pre-release as its release, and knows what is no version', () => {
    expect(versionOf('fastim/1.2.3-beta.1+9')).toEqual([1, 2, 3]);
    for (const text of ['', '1.2.3', 'x/1.2', 'x/1.2.3.4', 'x/a.b.c']) expect(versionOf(text)).toBeUndefined();
  });
});
