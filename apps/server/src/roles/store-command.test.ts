import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fixture } from '../storage/contract-suite/fixtures.ts';
import { postgresMissing, TestStorages } from '../storage/postgres/testing/test-storages.ts';
import { TemporaryFolders } from '../storage/sqlite/testing/temporary-folders.ts';

const entry = fileURLToPath(new URL('../main.ts', import.meta.url));
const missing = await postgresMissing();
const storages = new TestStorages();
const folders = new TemporaryFolders();

beforeAll(() => storages.start());
afterAll(async () => {
  await storages.remove();
  folders.remove();
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...words: string[]): Promise<Ended> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FASTIM_'));
  return new Promise((resolve) => {
    const args = ['--conditions=fastim-source', entry, ...words];
    execFile(process.execPath, args, { env: Object.fromEntries(inherited) }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

describe('a store command without the address of a database', () => {
  test.each(['migrate-store', 'restored-store'])('%s ends with 2 and says what is missing', async (command) => {
    const ended = await run(command, '--data', folders.make());
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('--store-url');
  });

  test('wrong words end with 2', async () => {
    expect((await run('migrate-store', '--store-url', 'mysql://x/y')).code).toBe(2);
    expect((await run('migrate-store', '--stoer-url', 'postgres://x/y')).stderr).toContain('--store-url');
  });
});

describe.skipIf(missing)('store commands', () => {
  test('move a folder, say so in one line of JSON, and a second time that it was done', async () => {
    const url = await storages.postgres.database();
    const data = folders.make();
    const fixture = new Fixture();
    fixture.storage = await folders.open({ directory: data });
    const { conversationId, first } = await fixture.pair();
    await fixture.send(conversationId, first.userId, 3);
    const { historyEpoch } = fixture.storage;

    const running = await run('migrate-store', '--data', data, '--store-url', url);
    expect(running).toMatchObject({ code: 1, stdout: '' });
    expect(running.stderr).toContain('in use');
    await fixture.storage.close();

    const moved = await run('migrate-store', '--data', data, '--store-url', url);
    expect(moved).toMatchObject({ code: 0 });
    expect(moved.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(moved.stdout)).toMatchObject({
      command: 'migrate-store',
      outcome: 'moved',
      historyEpoch: String(historyEpoch),
      tables: { chat_user: 2, message: 3, conversation: 1 },
    });
    const again = await run('migrate-store', '--data', data, '--store-url', url);
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ outcome: 'finished-before' });

    const restored = await run('restored-store', '--store-url', url);
    expect(restored.code).toBe(0);
    const report = JSON.parse(restored.stdout);
    expect(report).toMatchObject({ command: 'restored-store', outcome: 'ready', conversations: 1, messages: 3 });
    expect(report.historyEpoch).not.toBe(String(historyEpoch));
  });

  test('say what is wrong and end with 1: no database, a damaged one', async () => {
    const away = await run('restored-store', '--store-url', 'postgres://nobody@127.0.0.1:1/nothing');
    expect(away).toMatchObject({ code: 1, stdout: '' });
    expect(away.stderr).toMatch(/^fastim: /);
    const url = await storages.postgres.database();
    await (await storages.open({ url })).close();
    await storages.postgres.query('INSERT INTO conversation VALUES (5, 1, 3, 3, 0, 0, 3, 0)', url);
    const damaged = await run('restored-store', '--store-url', url);
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toContain('conversation 5');
    expect(JSON.parse(damaged.stdout)).toMatchObject({ outcome: 'damaged', historyEpoch: null });
  });
});
