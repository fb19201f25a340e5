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
    expect(read('group --json')).toMatchObject({
      members: 500,
      online: 500,
      senders: 5,
      viewing: 0,
      load: { kind: 'closed', messages: 1_000 },
    });
    expect(read('group --members 10000 --online 1000 --rate 20 --seconds 30')).toMatchObject({
      members: 10_000,
      online: 1_000,
      load: { kind: 'open', rate: 20, seconds: 30 },
    });
    expect(read('sync')).toMatchObject({ conversations: 500, messages: 5_000, reconnects: 50 });
  });

  it.each([
    ['crowd', 'which work'],
    ['direct more', 'which work'],
    ['direct --pears 5', '--pears'],
    ['direct --pairs 0', '--pairs has to be'],
    ['direct --pairs 1e3', '--pairs has to be'],
    ['direct --window ten', '--window has to be'],
    ['direct --rate 5 --window 3', 'do not go with'],
    ['direct --members 5', '--members is not for direct'],
    ['group --members 100 --online 101', '--online has to be a whole number, from 2 to 100'],
    ['group --viewing 101', '--viewing has to be'],
    ['sync --rate 5', '--rate is not for sync'],
  ])('%s is named in the error', (line, message) => {
    expect(() => read(line)).toThrow(UsageError);
    expect(() => read(line)).toThrow(message);
  });
});
