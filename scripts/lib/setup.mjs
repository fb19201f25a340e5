// Brings a checkout to a state in which the product can run: dependencies, build. Each step is skipped when done.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { productNode, projectRoot, SetupError } from './project.mjs';
import { readStamp, writeStamp } from './stamps.mjs';

/** Runs `npm ci` when the lock file is not the one that was installed last. */
export function ensureDependencies() {
  const lock = createHash('sha256')
    .update(readFileSync(join(projectRoot, 'package-lock.json')))
    .digest('hex');
  if (readStamp('dependencies') === lock && existsSync(join(projectRoot, 'node_modules/fastify'))) return;
  console.error('FastIM: installing dependencies …');
  const install = runNpm(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  if (install !== 0) {
    throw new SetupError(
      'Installing the dependencies failed (npm ci); its message is above. Check the network or the registry.',
    );
  }
  writeStamp('dependencies', lock);
}

/** Generates, type-checks and bundles when a source file changed since the last build. */
export function ensureBuilt() {
  const sources = fingerprint(['package.json', 'tsconfig.json', 'packages', 'apps']);
  if (readStamp('build') === sources && existsSync(join(projectRoot, 'apps/server/dist/main.js'))) return;
  console.error('FastIM: building …');
  if (runNpm(['run', '--silent', 'build']) !== 0) throw new SetupError('The build failed; its message is above.');
  writeStamp('build', sources);
}

/**
 * @param {string[]} args
 * @returns {number} exit code
 */
export function runNpm(args) {
  const npmScript = process.env.npm_execpath;
  // npm's own script runs on the Node it came with; a shell finds `npm` on every system.
  const result = npmScript?.endsWith('.js')
    ? spawnSync(systemNode(), [npmScript, ...args], { cwd: projectRoot, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: projectRoot, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (result.error) throw new SetupError(`npm could not be started: ${result.error.message}`);
  return result.status ?? 1;
}

/** The Node that runs npm: not ours, which `npm ci` is about to replace. */
function systemNode() {
  return process.env.npm_node_execpath ?? process.execPath;
}

/**
 * @param {string} script path from the root
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {number} exit code
 */
export function runProductNode(script, args, env = process.env) {
  const result = spawnSync(productNode(), [join(projectRoot, script), ...args], {
    cwd: projectRoot,
    stdio: 'inherit',
    env,
  });
  if (result.error) throw new SetupError(`${script} could not be started: ${result.error.message}`);
  return result.status ?? 1;
}

/**
 * A hash over names, sizes and times of everything the build reads.
 * @param {string[]} roots
 */
function fingerprint(roots) {
  const hash = createHash('sha256');
  /** @param {string} path */
  const visit = (path) => {
    const entry = statSync(join(projectRoot, path), { throwIfNoEntry: false });
    if (!entry) return;
    if (entry.isDirectory()) {
      for (const name of readdirSync(join(projectRoot, path)).sort()) {
        if (name !== 'node_modules' && name !== 'dist' && name !== 'generated' && !name.startsWith('.'))
          visit(join(path, name));
      }
    } else if (!/\.test\.tsx?$|\.md$/.test(path)) {
      hash.update(`${path}\0${entry.size}\0${entry.mtimeMs}\n`);
    }
  };
  for (const root of roots) visit(root);
  return hash.digest('hex');
}

/**
 * Runs `main`, turns a SetupError into one clear line and exit code 1.
 * @param {() => void | number | Promise<void | number>} main
 */
export async function runScript(main) {
  // Compiled code of the product's processes and of the tests is kept beside the other caches: the second start is faster.
  process.env.NODE_COMPILE_CACHE ??= join(projectRoot, 'node_modules/.cache/compiled');
  try {
    const code = await main();
    if (typeof code === 'number') process.exitCode = code;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`FastIM: ${error.message}`);
    process.exitCode = 1;
  }
}
