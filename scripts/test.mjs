// npm test: every check there is, each with a heading, and at the end one line `N passed, N failed`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBrowser } from './lib/browser-setup.mjs';
import { productNode, projectRoot } from './lib/project.mjs';
import { ensureRedis, redisMissing } from './lib/redis-setup.mjs';
import { ensureDependencies, runNpm, runScript } from './lib/setup.mjs';

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

await runScript(() => {
  ensureDependencies();
  ensureBrowser();
  if (!ensureRedis()) console.error(`FastIM: the tests that need it are skipped: ${redisMissing}`);
  const reports = join(projectRoot, 'artifacts');
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });

  const total = { passed: 0, failed: 0, skipped: 0 };
  /**
   * @param {string} name
   * @param {() => Counts} run
   */
  const step = (name, run) => {
    console.log(`\n== ${name}`);
    const started = Date.now();
    const counts = run();
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    console.log(
      `== ${name}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped (${seconds} s)`,
    );
  };

  step('type check and build', () => one(runNpm(['run', '--silent', 'build'])));
  step('lint', () => one(runNpm(['run', '--silent', 'lint'])));
  step('unit and contract tests', () => {
    const report = join(reports, 'unit.json');
    const code = node('node_modules/vitest/vitest.mjs', [
      'run',
      '--config',
      'scripts/vitest.config.ts',
      '--reporter=dot',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ]);
    return counted(code, () => {
      const result = JSON.parse(readFileSync(report, 'utf8'));
      // A file that fails to load has no tests of its own to count.
      const brokenFiles = result.testResults.filter(
        (/** @type {{ status: string, assertionResults: { status: string }[] }} */ file) =>
          file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
      ).length;
      return {
        passed: result.numPassedTests,
        failed: result.numFailedTests + brokenFiles,
        skipped: result.numPendingTests + result.numTodoTests,
      };
    });
  });
  if (total.failed === 0 || process.argv.includes('--all')) {
    const seeds = process.env.FASTIM_SIMULATE_SEEDS ?? '300';
    step('simulation', () => one(node('e2e/simulator/main.ts', ['--seeds', seeds, '--json'])));
    step('simulation of planted bugs', () => one(node('e2e/simulator/main.ts', ['--planted', '--json'])));
    step('end-to-end tests', () => {
      const report = join(reports, 'e2e.json');
      const code = node(
        'node_modules/@playwright/test/cli.js',
        ['test', '--config', 'e2e/playwright.config.ts', '--reporter=list,json'],
        { PLAYWRIGHT_JSON_OUTPUT_NAME: report },
      );
      return counted(code, () => {
        const { expected, flaky, unexpected, skipped } = JSON.parse(readFileSync(report, 'utf8')).stats;
        return { passed: expected + flaky, failed: unexpected, skipped };
      });
    });
  } else {
    console.log('\n== end-to-end tests: not run, since an earlier step failed');
  }
  console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 ? 0 : 1;
});

/**
 * A step without tests of its own counts as one.
 * @param {number} code
 * @returns {Counts}
 */
function one(code) {
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
}

/**
 * Reads a runner's report; an exit code that says "failed" is believed even where the report counts no failure.
 * @param {number} code
 * @param {() => Counts} read
 * @returns {Counts}
 */
function counted(code, read) {
  /** @type {Counts} */
  let counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    counts = read();
  } catch (error) {
    console.error(`no readable report: ${error instanceof Error ? error.message : error}`);
    return { ...counts, failed: 1 };
  }
  if (code !== 0 && counts.failed === 0) counts.failed = 1;
  return counts;
}

/**
 * @param {string} script
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
function node(script, args, env = {}) {
  const result = spawnSync(productNode(), [join(projectRoot, script), ...args], {
    cwd: projectRoot,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  return result.status ?? 1;
}
