import { describe, expect, it } from 'vitest';
import { readOptions, UsageError } from './options.ts';

const read = (line: string) => readOptions(line.split(' '));

describe('the options of the bench', () => {
  it('have standards', () => {
    expect(read('direct')).toMatchObject({
      json: false,
      pairs: 50,
      load: { kind: 'closed', window: 10, messages: 20_000 },
    });
    expect(read('direct --json --rate 1000')).toMatchObject({
      json: true,
      load: { kind: 'open', rate: 1_000, seconds: 20 },
    });
    expect(read('direct --seconds 5 --pairs 3 --warmup 0')).toMatchObject({
      pairs: 3,
      warmup: 0,
      load: { kind: 'open', rate: 1_000, seconds: 5 },
    });
  });

  it.each([
    ['group', 'which work'],
    ['direct more', 'which work'],
    ['direct --pears 5', '--pears'],
    ['direct --pairs 0', '--pairs has to be'],
    ['direct --pairs 1e3', '--pairs has to be'],
    ['direct --window ten', '--window has to be'],
    ['direct --rate 5 --window 3', 'do not go with'],
  ])('%s is named in the error', (line, message) => {
    expect(() => read(line)).toThrow(UsageError);
    expect(() => read(line)).toThrow(message);
  });
});
