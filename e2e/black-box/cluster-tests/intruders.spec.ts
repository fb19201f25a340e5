import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProductProcess } from '../../fixtures/child-process.ts';
import { cleanEnvironment, node, serverEntry } from '../../fixtures/paths.ts';
import { eventually, expect, pair, test, wordsOf } from '../fixture.ts';
import { adminToken } from '../system.ts';

interface Intruder {
  readonly reason: string;
  readonly by: string;
}

test('a gate that does not know the secret is refused, is in the admin list, and gets no client', async ({
  people,
  system,
}) => {
  const { cluster } = system.cluster!;
  const directory = mkdtempSync(join(tmpdir(), 'fastim-stranger-'));
  const stranger = new ProductProcess(
    'stranger',
    node,
    ['--enable-source-maps', serverEntry],
    cleanEnvironment({
      FASTIM_ROLE: 'gate',
      FASTIM_DATA: directory,
      FASTIM_CLUSTER_NODE_NAME: 'stranger',
      FASTIM_CLUSTER_SECRET: randomBytes(32).toString('hex'),
      FASTIM_REGISTRY_URL: cluster.member('redis').addresses.url!,
      FASTIM_TCP_PORT: '0',
      FASTIM_WS_PORT: '0',
      FASTIM_METRICS_PORT: '0',
    }),
    /^FastIM ready/,
  );
  try {
    const list = await eventually(
      async () => {
        const response = await fetch(
          `${new URL(cluster.member('logic-1').addresses.metrics!).origin}/admin/intruders`,
          {
            headers: { authorization: `Bearer ${adminToken}` },
          },
        );
        return JSON.stringify(await response.json());
      },
      (text) => /secret/.test(text),
      30_000,
    );
    expect((JSON.parse(list) as { intruders?: Intruder[] }).intruders ?? JSON.parse(list)).not.toHaveLength(0);
    // Everything goes on for those who belong here.
    const { ann, bob, conversationId } = await pair(people);
    await ann.send(conversationId, 'among us');
    expect(
      await eventually(
        () => wordsOf(bob, conversationId),
        (words) => words.length === 1,
      ),
    ).toEqual(['among us']);
  } finally {
    await stranger.kill();
    rmSync(directory, { recursive: true, force: true });
  }
});
