import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const program = `
import { connect } from '@fastim/desktop/sdk';
const [serverUrl] = process.argv.slice(1);
const options = { serverUrl, password: 'a long password', register: true, timeoutMs: 15_000 };
const [alice, bob] = await Promise.all(['alice', 'bob'].map((username) => connect({ ...options, username })));
const heard = new Promise((resolve) => bob.on('message', (message) => resolve(message.text)));
const { conversationId } = await alice.direct('bob');
await alice.send(conversationId, 'over TLS 你好');
console.log(JSON.stringify({ heard: await heard }));
await alice.close();
await bob.close();
`;

/**
 * Two clients in a process of their own, as on another machine: it knows of our certificates what `environment` says.
 * Resolves with what one heard of the other.
 */
export async function chatFromElsewhere(serverUrl: string, environment: Record<string, string>): Promise<string> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FASTIM_'));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=fastim-source', '--input-type=module', '-e', program, serverUrl],
    { env: { ...Object.fromEntries(inherited), ...environment }, cwd: import.meta.dirname, timeout: 40_000 },
  );
  return (JSON.parse(stdout) as { heard: string }).heard;
}
