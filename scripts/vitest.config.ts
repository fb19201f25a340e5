import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));
// Workspace packages resolve to their source. Never add 'import' here: it breaks the 64-bit ids of protobufjs.
const conditions = ['fastim-source', ...defaultServerConditions];

export default defineConfig({
  root,
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: [
      'packages/*/src/**/*.test.ts',
      'apps/*/src/**/*.test.{ts,tsx}',
      'scripts/**/*.test.ts',
      'e2e/bench/**/*.test.ts',
      'e2e/chaos/**/*.test.ts',
      'e2e/simulator/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**'],
    // Forks, not threads: tests start real worker threads and native modules of their own.
    pool: 'forks',
    // Many wait for a browser, a process or a disk.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
