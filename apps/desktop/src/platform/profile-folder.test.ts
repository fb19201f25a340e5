import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { profileFolderName } from './profile-folder.ts';

describe('the folder name of a profile', () => {
  it.each([
    ['alice', 'alice'],
    ['', 'default'],
    ['Bob', '=42ob'],
    ['../../etc', '=2e=2e=2f=2e=2e=2fetc'],
    ['con', '=63on'],
    ['a b\\c:d', 'a=20b=5cc=3ad'],
    ['小明', '=e5=b0=8f=e6=98=8e'],
    ['é', '=c3=a9'],
  ])('of %j is %j', (profile, name) => {
    expect(profileFolderName(profile)).toBe(name);
  });

  it('is safe, short and different for different profiles, also where case does not count', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [first, second] = [profileFolderName(a), profileFolderName(b)];
        expect(first).toMatch(/^[a-z0-9=_-]{1,80}$/);
        const same = (a || 'default').normalize('NFC') === (b || 'default').normalize('NFC');
        expect(first.toLowerCase() === second.toLowerCase()).toBe(same);
      }),
    );
  });
});
