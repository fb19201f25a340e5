import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainText, textBody } from '@fastim/protocol';
import { afterAll, expect, test } from 'vitest';
import { Fixture, stored } from '../contract-suite/fixtures.ts';
import { DATABASE_FILE } from './database-file.ts';
import { TemporaryFolders } from './testing/temporary-folders.ts';

const folders = new TemporaryFolders();
afterAll(() => folders.remove());

test.each([20, 500, 3_000, 16_000])(
  'words of %i bytes that were recalled are not in the file any more',
  async (length) => {
    const directory = folders.make();
    const fixture = new Fixture();
    fixture.storage = await folders.open({ directory });
    const { conversationId, first, second } = await fixture.pair();
    const secret = 'do-not-keep'.repeat(length / 11 + 1).slice(0, length);
    await fixture.send(conversationId, second.userId, 30);
    const body = textBody.encode(plainText(secret));
    const { convSeq } = stored(await fixture.append(fixture.request(conversationId, first.userId, { body })));
    await fixture.append(fixture.edit(conversationId, first.userId, convSeq, `${secret} edited`));
    await fixture.append(fixture.edit(conversationId, first.userId, convSeq, 'harmless'));
    await fixture.send(conversationId, second.userId, 30);
    await fixture.storage.close();
    const file = () => readFileSync(join(directory, DATABASE_FILE)).toString('latin1');
    expect(file()).toContain(secret.slice(0, 16));

    fixture.storage = await folders.open({ directory });
    stored(await fixture.append(fixture.recall(conversationId, first.userId, convSeq)));
    await fixture.storage.close();
    expect(file()).not.toContain('do-not-keep');
  },
);
