import { FastimError } from '@fastim/protocol';
import { describe, expect, it } from 'vitest';
import { preparePassword, requireGoodPassword } from './password-rules.ts';

function refusal(raw: string): string {
  try {
    requireGoodPassword(raw, 'alice.smith');
  } catch (error) {
    if (error instanceof FastimError && error.reason === 'PASSWORD_INVALID') return error.message;
    throw error;
  }
  return 'accepted';
}

describe('passwords', () => {
  it.each(['correct horse battery', '密码很长很长的吧', '😀😁😂🤣😃😄😅😆', "' OR '1'='1", `${'x'.repeat(255)}y`])(
    'takes %s',
    (raw) => {
      expect(refusal(raw)).toBe('accepted');
    },
  );

  it.each([
    ['nothing', '', /at least 8/],
    ['7 characters', 'abcdef7', /at least 8/],
    ['257 characters', `${'x'.repeat(256)}y`, /at most 256/],
    ['a megabyte', 'x'.repeat(1_000_000), /at most 256/],
    ['NUL', 'good pass\0word', /control characters/],
    ['half an emoji', 'good password\ud83d', /control characters/],
    ['a common one', 'password123', /first that anybody/],
    ['a common one in other letters', 'ＰａｓｓＷord123', /first that anybody/],
    ['one character over and over', 'zzzzzzzzzz', /first that anybody/],
    ['the user name', 'Alice.Smith', /not the user name/],
  ])('refuses %s', (_what, raw, message) => {
    expect(refusal(raw)).toMatch(message);
  });

  it('is the same password however the keyboard wrote it', () => {
    const password = preparePassword('Pässword é 12');
    expect(preparePassword('Pa\u0308ssword e\u0301 12')).toBe(password);
    expect(preparePassword('Ｐässword\u3000é\u00a0１２')).toBe(password);
    expect(preparePassword('pässword é 12')).not.toBe(password);
  });

  it('caps the length before it normalises: one character that becomes 18 does not get through', () => {
    expect(preparePassword('\ufdfa'.repeat(20))).toBeUndefined();
    expect(preparePassword('\ufdfa'.repeat(1_000_000))).toBeUndefined();
  });
});
