import { defineConfig } from '@playwright/test';
import type { SystemOptions } from './fixture.ts';

/** The same tests against one process and against a cluster, and what only a cluster can go through. */
export default defineConfig<object, SystemOptions>({
  outputDir: '../../artifacts/black-box',
  // Each system is several processes; one at a time keeps timings honest on two cores.
  workers: 1,
  fullyParallel: false,
  forbidOnly: Boolean(process.env.CI),
  retries: 0,
  timeout: 90_000,
  reporter: [['list']],
  projects: [
    { name: 'one process', testDir: './tests', use: { systemKind: 'one process' } },
    { name: 'cluster', testDir: './tests', use: { systemKind: 'cluster' } },
    { name: 'cluster only', testDir: './cluster-tests', use: { systemKind: 'cluster' } },
  ],
});
