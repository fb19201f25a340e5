import { readFileSync } from 'node:fs';

/** The version of this server, from its package. The file stands as far above src/observe as above dist/observe. */
export function serverVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as unknown;
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version);
  throw new Error('the package has no version');
}
