import { describe, expect, test } from 'vitest';
import { contrast } from './contrast.ts';
import { avatarColours, colours, contrastPairs, type ThemeName, tokensCss } from './tokens.ts';

test('the measure agrees with the known ends of the scale', () => {
  expect(contrast('#000000', '#FFFFFF')).toBeCloseTo(21, 5);
  expect(contrast('#777777', '#777777')).toBeCloseTo(1, 5);
});

describe.each(['light', 'dark'] as const)('in the %s theme', (theme: ThemeName) => {
  test.each(contrastPairs)('$front on $back reaches $atLeast', ({ front, back, atLeast }) => {
    expect(contrast(colours[front][theme], colours[back][theme])).toBeGreaterThanOrEqual(atLeast);
  });
});

test.each(avatarColours)('white initials can be read on %s', (colour) => {
  expect(contrast('#FFFFFF', colour)).toBeGreaterThanOrEqual(4.5);
});

test('every colour reaches the stylesheet in both themes', () => {
  const css = tokensCss();
  for (const [name, colour] of Object.entries(colours)) {
    expect(css).toContain(`--${name}: ${colour.light};`);
    expect(css).toContain(`--${name}: ${colour.dark};`);
  }
});
