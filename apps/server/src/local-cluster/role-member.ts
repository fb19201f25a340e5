import { fileURLToPath } from 'node:url';
import { MemberProcess } from './member-process.ts';

export interface RoleOptions {
  readonly directory: string;
  readonly logFile: string;
  /** FASTIM_* variables. */
  readonly variables: Readonly<Record<string, string>>;
}

const START_MS = 60_000;
const fromSource = import.meta.url.endsWith('.ts');
const entry = fileURLToPath(new URL(`../main.${fromSource ? 'ts' : 'js'}`, import.meta.url));

/** One process of the server. Resolves when it says that it is ready. */
export async function startRole(
  options: RoleOptions,
): Promise<{ member: MemberProcess; addresses: Record<string, string> }> {
  const ours = Object.entries(process.env).filter(([name]) => !name.startsWith('FASTIM_'));
  const member = await MemberProcess.start({
    command: process.execPath,
    args: [...(fromSource ? ['--conditions=fastim-source'] : ['--enable-source-maps']), entry],
    env: { ...Object.fromEntries(ours), ...options.variables, FASTIM_STOP_WITH_STDIN: '1' },
    directory: options.directory,
    logFile: options.logFile,
    orphaned: 'ends itself',
  });
  try {
    const line = await member.firstLine(START_MS);
    const pairs = line.matchAll(/ {2}([a-z]+) ([^ ]+)/g);
    return { member, addresses: Object.fromEntries([...pairs].map(([, name, address]) => [name, address])) };
  } catch (error) {
    await member.stop(1_000);
    throw error;
  }
}
