// Builds what tsc does not: the page, the desktop shell's bundle and its preload script, under apps/desktop/dist/.
//   renderer-app/   the page, for the shell and for the headless host
//   electron/       main.js, one file for each worker beside it, preload.cjs
// Any part that fails, or has no source, fails the build.
import { existsSync, globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, defaultServerConditions } from 'vite';

const desktop = fileURLToPath(new URL('..', import.meta.url));
const source = join(desktop, 'src');
const electronDirectory = join(desktop, 'dist/electron');

/** Stay imports: Electron brings the one, the other is a native module found in node_modules at run time. */
const external = ['electron', 'better-sqlite3', /^node:/];

/** @param {string} path */
function required(path) {
  if (!existsSync(path)) throw new Error(`build: ${path} is missing`);
  return path;
}

async function buildRenderer() {
  const root = dirname(required(join(source, 'renderer/index.html')));
  await build({ configFile: required(join(root, 'vite.config.ts')), logLevel: 'warn' });
  required(join(desktop, 'dist/renderer-app/index.html'));
}

/** Node code: main and the workers it starts, which are found beside it by their names. */
async function buildMain() {
  const workers = globSync('{platform,engine}/**/*-worker.ts', { cwd: source });
  if (workers.length === 0) throw new Error('build: the platform has no worker (src/platform/**/*-worker.ts)');
  const entries = [join(source, 'main/main.ts'), ...workers.map((path) => join(source, path))];
  const input = Object.fromEntries(entries.map((path) => [basename(path, '.ts'), required(path)]));
  if (Object.keys(input).length !== entries.length) throw new Error('build: two workers have the same name');
  await build({
    configFile: false,
    logLevel: 'warn',
    root: desktop,
    resolve: { conditions: ['fastim-source', ...defaultServerConditions] },
    // One bundle with everything but the externals: the shell needs no workspace packages beside it.
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: true,
      target: 'node22',
      outDir: electronDirectory,
      emptyOutDir: true,
      sourcemap: true,
      minify: false,
      rolldownOptions: {
        input,
        external,
        output: { format: 'es', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' },
      },
    },
  });
  for (const name of Object.keys(input)) required(join(electronDirectory, `${name}.js`));
}

/** A sandboxed preload script has to be one CommonJS file that requires nothing but electron. */
async function buildPreload() {
  await build({
    configFile: false,
    logLevel: 'warn',
    root: desktop,
    resolve: { conditions: ['fastim-source', ...defaultServerConditions] },
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: true,
      target: 'chrome130',
      outDir: electronDirectory,
      emptyOutDir: false,
      sourcemap: false,
      minify: false,
      rolldownOptions: {
        input: { preload: required(join(source, 'preload/preload.ts')) },
        external,
        output: { format: 'cjs', entryFileNames: '[name].cjs', codeSplitting: false },
      },
    },
  });
  required(join(electronDirectory, 'preload.cjs'));
}

await buildRenderer();
await buildMain();
await buildPreload();
