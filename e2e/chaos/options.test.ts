import { describe, expect, it } from 'vitest';
import { readOptions, UsageError } from './options.ts';
import { makeWorld } from './world.ts';

const read = (line: string) => readOptions(line.split(' ').filter(Boolean));

describe('the options of the chaos run', () => {
  it('have standards, with another seed each time', () => {
    expect(read('')).toMatchObject({ minutes: 2, clients: 24, json: false, only: [] });
    expect(read('--minutes 30 --seed 7 --json --only drop,slice')).toMatchObject({
      minutes: 30,
      seed: 7,
      json: true,
      only: ['drop', 'slice'],
    });
  });

  it.each(['--minutes x', '--clients 3', '--seed 1.5', '--what', 'more'])('refuse %s', (line) => {
    expect(() => read(line)).toThrow(UsageError);
  });
});

describe('the world of the chaos run', () => {
  it('has the devices asked for, some users with several, and everybody in direct and group conversations', () => {
    const { users, devices, conversations } = makeWorld(24);
    expect([users, devices.length]).toEqual([16, 24]);
    for (let user = 0; user < users; user += 1) {
      const own = conversations.filter(({ members }) => members.includes(user));
      expect(own.filter(({ kind }) => kind === 'direct')).toHaveLength(2);
      expect(own.filter(({ kind }) => kind === 'group').length).toBeGreaterThanOrEqual(2);
      expect(new Set(own.flatMap(({ members }) => members)).size).toBe(users);
    }
    for (const { members } of conversations) expect(new Set(members).size).toBe(members.length);
    expect(devices.some(({ index, user }) => index !== user)).toBe(true);
  });
});
