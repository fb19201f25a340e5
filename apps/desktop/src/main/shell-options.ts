/** The shell's own arguments, among those that Electron and Chromium take: --profile, --server, --data. */
import { resolve } from 'node:path';
import { z } from 'zod';
import { DEFAULT_PROFILE, isProfileName, PROFILE_RULE } from '../bridge/profile-name.ts';

export interface ShellOptions {
  profile: string;
  suggestedServerUrl: string;
  /** Where profiles lie; undefined: the user's own folder for this app. */
  data: string | undefined;
}

export class ShellOptionsError extends Error {
  override name = 'ShellOptionsError';
}

const httpUrl = z.url({ protocol: /^https?$/ });

/** Other arguments are not ours to judge; a link that the system hands over as one is never acted on. */
export function readShellOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
): ShellOptions {
  const read = (name: string, variable: string): { value: string; from: string } | undefined => {
    const option = `--${name}`;
    const joined = args.find((arg) => arg.startsWith(`${option}=`));
    if (joined !== undefined) return { value: joined.slice(option.length + 1), from: option };
    const index = args.indexOf(option);
    if (index >= 0) return { value: args[index + 1] ?? '', from: option };
    const value = environment[variable];
    return value ? { value, from: variable } : undefined;
  };
  const profile = read('profile', 'FASTIM_DESKTOP_PROFILE');
  if (profile && !isProfileName(profile.value)) {
    throw new ShellOptionsError(`${profile.from}: ${JSON.stringify(profile.value)} cannot be: ${PROFILE_RULE}`);
  }
  const server = read('server', 'FASTIM_DESKTOP_SERVER');
  if (server && !httpUrl.safeParse(server.value).success) {
    throw new ShellOptionsError(`${server.from}: ${JSON.stringify(server.value)} is not an http or https address`);
  }
  const data = read('data', 'FASTIM_DESKTOP_DATA');
  if (data && (data.value === '' || data.value.startsWith('--'))) {
    throw new ShellOptionsError(`${data.from}: a folder is missing`);
  }
  return {
    profile: profile?.value ?? DEFAULT_PROFILE,
    suggestedServerUrl: server?.value.replace(/\/+$/, '') ?? 'http://127.0.0.1:8600',
    data: data && resolve(workingDirectory, data.value),
  };
}
