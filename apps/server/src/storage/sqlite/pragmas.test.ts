import { describe, expect, test } from 'vitest';
import { requireSupportedNode } from './node-version.ts';
import { makeDurable, type PragmaPort } from './pragmas.ts';

/** SQLite as it answers when `stubborn` pragmas do not take the value they are given. */
function sqlite(stubborn: Record<string, unknown> = {}): { pragma: PragmaPort; set: string[] } {
  const values: Record<string, unknown> = {
    journal_mode: 'wal',
    synchronous: 2,
    foreign_keys: 1,
    fullfsync: 1,
    checkpoint_fullfsync: 1,
    ...stubborn,
  };
  const set: string[] = [];
  return {
    set,
    pragma: (text) => {
      if (text.includes('=')) set.push(text);
      return values[text];
    },
  };
}

describe('makeDurable', () => {
  test('sets what an ack rests on', () => {
    const { pragma, set } = sqlite();
    makeDurable(pragma, 'linux');
    expect(set).toEqual(['journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON']);
  });

  test('on macOS also asks for the full flush', () => {
    const { pragma, set } = sqlite();
    makeDurable(pragma, 'darwin');
    expect(set).toContain('fullfsync = ON');
    expect(set).toContain('checkpoint_fullfsync = ON');
  });

  test.each([
    { platform: 'linux', stubborn: { journal_mode: 'delete' } },
    { platform: 'linux', stubborn: { synchronous: 1 } },
    { platform: 'linux', stubborn: { foreign_keys: 0 } },
    { platform: 'linux', stubborn: { synchronous: undefined } },
    { platform: 'darwin', stubborn: { fullfsync: 0 } },
    { platform: 'darwin', stubborn: { checkpoint_fullfsync: 0 } },
  ])('refuses when $stubborn is what it reads back on $platform', ({ platform, stubborn }) => {
    const name = Object.keys(stubborn)[0]!;
    expect(() => makeDurable(sqlite(stubborn).pragma, platform)).toThrow(
      expect.objectContaining({ name: 'StorageRefusal', kind: 'not-durable', message: expect.stringContaining(name) }),
    );
  });
});

describe('requireSupportedNode', () => {
  test.each(['20.20.2', 'v20.19.0', '22.17.1', '21.9.0', 'nonsense'])('refuses Node %s', (version) => {
    expect(() => requireSupportedNode(version)).toThrow(
      expect.objectContaining({ name: 'StorageRefusal', message: expect.stringContaining(version) }),
    );
  });

  test.each(['22.18.0', 'v24.21.0', '26.10.0'])('accepts Node %s', (version) => {
    expect(() => requireSupportedNode(version)).not.toThrow();
  });
});
