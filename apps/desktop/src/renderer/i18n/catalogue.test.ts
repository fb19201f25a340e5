import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createIntl } from 'react-intl';
import { describe, expect, test } from 'vitest';
import { catalogues, type Language, resolveLanguage } from './language.ts';

const renderer = fileURLToPath(new URL('..', import.meta.url));
const sources = globSync('**/*.{ts,tsx}', { cwd: renderer })
  .filter((path) => !path.includes('.test.') && !/^(i18n\/messages-|fixture\/|testing\/)/.test(path))
  .map((path) => readFileSync(`${renderer}/${path}`, 'utf8'))
  .join('\n');
const ids = Object.keys(catalogues.en).sort();
const namespaces = [...new Set(ids.map((id) => id.slice(0, id.indexOf('.'))))];

test('both languages have the same ids', () => {
  expect(Object.keys(catalogues['zh-CN']).sort()).toEqual(ids);
});

test('every id is used somewhere in the code', () => {
  expect(ids.filter((id) => !sources.includes(`'${id}'`))).toEqual([]);
});

test('the code uses no id that the catalogues lack', () => {
  // Commands of the bridge look alike: they stand in a call.
  const used = sources.matchAll(new RegExp(`(?<!call\\()'((?:${namespaces.join('|')})\\.[A-Za-z]+)'`, 'g'));
  expect([...new Set([...used].map((match) => match[1]!))].filter((id) => !ids.includes(id))).toEqual([]);
});

/** The values that a message speaks of: the names in braces, but not the words in the branches of a plural or select. */
function placeholders(message: string): string[] {
  const names = new Set<string>();
  let at = 0;
  const until = (stop: RegExp): string => {
    const from = at;
    while (at < message.length && !stop.test(message[at]!)) at++;
    return message.slice(from, at).trim();
  };
  const words = (): void => {
    for (until(/[{}]/); message[at] === '{'; until(/[{}]/)) {
      at++;
      names.add(until(/[,}]/));
      if (message[at] === ',') at++;
      const kind = until(/[,}]/);
      if (kind === 'plural' || kind === 'select') {
        at++;
        for (until(/[{}]/); message[at] === '{'; until(/[{}]/)) {
          at++;
          words();
          at++;
        }
      } else until(/\}/);
      at++;
    }
  };
  words();
  return [...names].sort();
}

test('placeholders are told from the words of branches', () => {
  expect(placeholders('{count, plural, one {Forwarded} other {Forwarded to {place}, # times}} by {name}')).toEqual([
    'count',
    'name',
    'place',
  ]);
});

test.each(ids)('%s: both languages speak of the same values and can be formatted', (id) => {
  const key = id as keyof typeof catalogues.en;
  expect(placeholders(catalogues['zh-CN'][key])).toEqual(placeholders(catalogues.en[key]));
  const values = Object.fromEntries(placeholders(catalogues.en[key]).map((name) => [name, 2]));
  for (const language of ['en', 'zh-CN'] as const satisfies Language[]) {
    const errors: unknown[] = [];
    const intl = createIntl({
      locale: language,
      messages: catalogues[language],
      onError: (error) => errors.push(error),
    });
    expect(intl.formatMessage({ id }, values)).not.toMatch(/[{}]/);
    expect(errors).toEqual([]);
  }
});

describe('the language of the page', () => {
  test.each([
    ['system', ['de-DE', 'zh-TW', 'en-US'], 'zh-CN'],
    ['system', ['de-DE'], 'en'],
    ['system', ['en-GB', 'zh-CN'], 'en'],
    ['zh-CN', ['en-GB'], 'zh-CN'],
    ['en', ['zh-CN'], 'en'],
  ] as const)('%s with %j is %s', (chosen, system, expected) => {
    expect(resolveLanguage(chosen, system)).toBe(expected);
  });
});
