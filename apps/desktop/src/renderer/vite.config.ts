/**
 * The renderer's bundle. `vite build --config apps/desktop/src/renderer/vite.config.ts` makes the product;
 * `--mode fixture` makes the screenshot gallery instead, which is no part of the product.
 */
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig, type Plugin } from 'vite';
import { tokensCss } from './design/tokens.ts';

const root = fileURLToPath(new URL('.', import.meta.url));
const dist = fileURLToPath(new URL('../../dist/', import.meta.url));

function designTokens(): Plugin {
  const id = 'virtual:tokens.css';
  return {
    name: 'design-tokens',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: (source) => (source === `\0${id}` ? tokensCss() : undefined),
  };
}

export default defineConfig(({ mode }) => ({
  root,
  // Absolute: the page is also served at /join/TOKEN.
  base: '/',
  resolve: { conditions: ['fastim-source', ...defaultClientConditions] },
  plugins: [react(), designTokens()],
  build: {
    target: 'chrome130',
    outDir: mode === 'fixture' ? `${dist}renderer-fixture` : `${dist}renderer-app`,
    emptyOutDir: true,
    // What is needed at once is one chunk, dialogs come when they are opened. The budget of the first is 250 KB gzipped.
    chunkSizeWarningLimit: 800,
    // Fonts stay files: the policy of the page has no data: for fonts.
    assetsInlineLimit: 0,
    // The helper that preloads modules would be an inline script in older browsers only.
    modulePreload: { polyfill: false },
    rolldownOptions: { input: `${root}${mode === 'fixture' ? 'fixture.html' : 'index.html'}` },
  },
}));
