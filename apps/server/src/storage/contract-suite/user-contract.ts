import { describe, expect, test } from 'vitest';
import { type OpenStorage, useStorage } from './fixtures.ts';

/** What UserStore promises. */
export function userContract(open: OpenStorage): void {
  describe('users', () => {
    const fixture = useStorage(open);

    test('a user is found by name key and by id as it was created', async () => {
      const user = await fixture.user({ username: 'Zoë', usernameKey: 'zoë', displayName: 'Zoë 周' });
      expect(await fixture.storage.users.byUsernameKey('zoë')).toEqual(user);
      expect(await fixture.storage.users.byIds([user.userId])).toEqual([user]);
      expect(await fixture.storage.users.byUsernameKey('nobody')).toBeUndefined();
    });

    test('a taken name key is refused and changes nothing', async () => {
      const user = await fixture.user({ usernameKey: 'taken-name' });
      const second = { ...user, userId: fixture.id(), displayName: 'Somebody else' };
      expect(await fixture.storage.users.create(second)).toBe('taken');
      expect(await fixture.storage.users.byUsernameKey('taken-name')).toEqual(user);
      expect(await fixture.storage.users.byIds([second.userId])).toEqual([]);
    });

    test('of many who want one name at once exactly one gets it', async () => {
      const base = await fixture.user();
      const wanted = { ...base, usernameKey: 'wanted-name' };
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => fixture.storage.users.create({ ...wanted, userId: fixture.id() })),
      );
      expect(answers.filter((answer) => answer === 'created')).toHaveLength(1);
    });

    test('byIds keeps the order asked for, gives each once and leaves out the unknown', async () => {
      const [a, b] = [await fixture.user(), await fixture.user()];
      const ids = [b.userId, fixture.id(), a.userId, b.userId, 2n ** 64n - 1n];
      expect(await fixture.storage.users.byIds(ids)).toEqual([b, a]);
      expect(await fixture.storage.users.byIds([])).toEqual([]);
    });

    test('setPasswordHash changes only that', async () => {
      const user = await fixture.user();
      await fixture.storage.users.setPasswordHash(user.userId, '$argon2id$new');
      await fixture.storage.users.setPasswordHash(fixture.id(), '$argon2id$nobody');
      expect(await fixture.storage.users.byIds([user.userId])).toEqual([{ ...user, passwordHash: '$argon2id$new' }]);
    });
  });

  describe('search', () => {
    const fixture = useStorage(open);

    async function people(...names: [key: string, displayName: string][]): Promise<void> {
      for (const [usernameKey, displayName] of names) await fixture.user({ usernameKey, displayName });
    }

    async function found(query: string, limit = 20): Promise<string[]> {
      return (await fixture.storage.users.search(query, limit)).map((user) => user.usernameKey);
    }

    test('exact first, then names that start so, then the rest; each once', async () => {
      await people(
        ['joanna', 'J'],
        ['ann', 'The one'],
        ['annabel', 'ann'],
        ['annika', 'A'],
        ['zed', 'Ann Lee'],
        ['susanne', 'Ann'],
      );
      expect(await found('ann')).toEqual(['ann', 'annabel', 'susanne', 'annika', 'zed', 'joanna']);
      expect(await found('ann', 2)).toEqual(['ann', 'annabel']);
      expect(await found('ann', 4)).toEqual(['ann', 'annabel', 'susanne', 'annika']);
    });

    test('the display name is compared folded: case and width do not matter', async () => {
      await people(['wide', 'ＬＥＩ Ｗang'], ['sharp', 'MÜLLER']);
      expect(await found('lei')).toEqual(['wide']);
      expect(await found('müller')).toEqual(['sharp']);
      expect(await found('ei w')).toEqual(['wide']);
    });

    test('one Chinese character is enough', async () => {
      await people(['xiaoming', '小明'], ['daming', '大明']);
      expect(await found('明')).toEqual(['daming', 'xiaoming']);
      expect(await found('小')).toEqual(['xiaoming']);
    });

    test.each([
      { name: 'a percentage', query: '100%', expected: ['p-percent'] },
      { name: 'a percent sign', query: '%', expected: ['p-percent'] },
      { name: 'an underscore', query: '_', expected: ['p-under'] },
      { name: 'an underscore between letters', query: 'p-a_b', expected: [] },
      { name: 'a backslash', query: '\\', expected: ['p-slash'] },
      { name: 'a quote', query: "'", expected: ['p-quote'] },
      { name: 'an SQL injection', query: "'; drop table user; --", expected: [] },
      { name: 'a star', query: '*', expected: ['p-star'] },
      { name: 'a bracket', query: '[', expected: ['p-bracket'] },
      { name: 'LDAP signs', query: ')(|', expected: ['p-ldap'] },
      { name: 'a NoSQL operator', query: '{"$ne":null}', expected: [] },
      { name: 'NUL', query: '\u0000', expected: [] },
      { name: 'a very long text', query: 'x'.repeat(10_000), expected: [] },
    ])('$name is text, not a pattern', async ({ query, expected }) => {
      if ((await fixture.storage.users.byUsernameKey('p-percent')) === undefined) {
        await people(
          ['p-percent', 'sure 100% real'],
          ['p-under', 'snake_case'],
          ['p-slash', 'back\\slash'],
          ['p-quote', "O'Neil"],
          ['p-star', 'five * hotel'],
          ['p-bracket', 'a [b'],
          ['p-ldap', 'x)(|y'],
          ['p-axb', 'plain'],
        );
      }
      expect(await found(query)).toEqual(expected);
    });

    test.each([0, -1, Number.NaN])('a limit of %d gives nothing', async (limit) => {
      await people([`limit-${limit}`, 'Limit']);
      expect(await found('limit', limit)).toEqual([]);
    });
  });
}
