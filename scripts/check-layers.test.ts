import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { checkTree, readPublicExports } from './check-layers.ts';
import { checkSource, zoneOf } from './layers/check-source.ts';
import { readSource } from './layers/read-source.ts';
import { zones } from './layers/zones.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const publicExports = readPublicExports(root);

/** What is wrong with a file of this path and content. */
function violations(file: string, source: string): string[] {
  return checkSource(file, source, publicExports).map(({ line, what }) => `${line} ${what}`);
}

const planted: ReadonlyArray<[string, string, string]> = [
  ['core must not use Node', 'packages/core/src/ids/x.ts', `import { randomBytes } from 'node:crypto';`],
  ['core must not know frames', 'packages/core/src/ids/x.ts', `import { Command } from '@fastim/protocol';`],
  [
    'core must not know frames by a relative path',
    'packages/core/src/x.ts',
    `export * from '../../protocol/src/index.ts';`,
  ],
  ['protocol must not know core', 'packages/protocol/src/x.ts', `import { unreadCount } from '@fastim/core';`],
  [
    'protocol must not know the apps',
    'packages/protocol/src/x.ts',
    `import type { Config } from '@fastim/server/config';`,
  ],
  ['core has no clock', 'packages/core/src/x.ts', `export const now = () => Date.now();`],
  ['core has no date of today', 'packages/core/src/x.ts', `export const now = () => new Date();`],
  ['core has no randomness', 'packages/core/src/x.ts', `export const roll = () => Math.random();`],
  ['core has no timers', 'packages/core/src/x.ts', `setTimeout(() => {}, 1);`],
  ['core has no timers by another name', 'packages/core/src/x.ts', `globalThis.setInterval(() => {}, 1);`],
  ['core has no cryptography', 'packages/core/src/x.ts', `export const b = crypto.getRandomValues(new Uint8Array(1));`],
  ['core does not ship its testing part', 'packages/core/src/x.ts', `export * from './testing/index.ts';`],
  ['engine must not use Node', 'apps/desktop/src/engine/x.ts', `const fs = await import('node:fs');`],
  ['engine must not use packages', 'apps/desktop/src/engine/x.ts', `import { z } from 'zod';`],
  ['engine must not know its platform', 'apps/desktop/src/engine/x.ts', `import '../platform/system-clock.ts';`],
  [
    'engine must not know the bridge, types included',
    'apps/desktop/src/engine/x.ts',
    `import type { A } from '../bridge/contract.ts';`,
  ],
  ['engine has no clock', 'apps/desktop/src/engine/x.ts', `const since = performance.now();`],
  ['bridge must not run engine code', 'apps/desktop/src/bridge/x.ts', `import { a } from '../engine/errors.ts';`],
  ['bridge must not use Node', 'apps/desktop/src/bridge/x.ts', `import { Buffer } from 'node:buffer';`],
  ['platform must not know the bridge', 'apps/desktop/src/platform/x.ts', `import '../bridge/contract.ts';`],
  ['headless must not use Electron', 'apps/desktop/src/headless/x.ts', `import { app } from 'electron';`],
  ['main must not know the renderer', 'apps/desktop/src/main/x.ts', `import '../renderer/test-ids.ts';`],
  ['preload must not run bridge code', 'apps/desktop/src/preload/x.ts', `import { a } from '../bridge/contract.ts';`],
  ['preload must not use Node', 'apps/desktop/src/preload/x.ts', `import 'node:fs';`],
  [
    'renderer must not know the engine, types included',
    'apps/desktop/src/renderer/x.tsx',
    `import type { A } from '../engine/views.ts';`,
  ],
  [
    'renderer must not use our packages',
    'apps/desktop/src/renderer/x.tsx',
    `import { Command } from '@fastim/protocol';`,
  ],
  ['renderer must not use Node', 'apps/desktop/src/renderer/x.tsx', `import 'node:fs';`],
  ['renderer must not use Electron', 'apps/desktop/src/renderer/x.tsx', `const { ipcRenderer } = require('electron');`],
  [
    'renderer must not run the engine side of the bridge',
    'apps/desktop/src/renderer/x.tsx',
    `import '../bridge/bridge-server.ts';`,
  ],
  ['gate must not import logic', 'apps/server/src/gate/x.ts', `import '../logic/logic.ts';`],
  ['gate must not import storage', 'apps/server/src/gate/x.ts', `import type { A } from '../storage/storage.ts';`],
  ['gate must not import routing', 'apps/server/src/gate/x.ts', `import '../routing/route-table.ts';`],
  ['api must not import logic', 'apps/server/src/api/x.ts', `import '../logic/logic.ts';`],
  [
    'api must not import a driver',
    'apps/server/src/api/routes/x.ts',
    `import '../../storage/sqlite/open-sqlite-storage.ts';`,
  ],
  ['logic must not import gate', 'apps/server/src/logic/x.ts', `import '../gate/gate.ts';`],
  ['logic must not import api', 'apps/server/src/logic/x.ts', `import '../api/api-server.ts';`],
  [
    'logic must not import a driver',
    'apps/server/src/logic/x.ts',
    `import '../storage/sqlite/open-sqlite-storage.ts';`,
  ],
  ['logic must not import a database', 'apps/server/src/logic/x.ts', `import Database from 'better-sqlite3';`],
  ['logic must not open sockets', 'apps/server/src/logic/x.ts', `import { createServer } from 'node:net';`],
  ['logic must not set timers of its own', 'apps/server/src/logic/x.ts', `setInterval(() => {}, 1);`],
  [
    'a storage contract must not know a driver',
    'apps/server/src/storage/x.ts',
    `import './sqlite/open-sqlite-storage.ts';`,
  ],
  ['a driver must not know logic', 'apps/server/src/storage/sqlite/x.ts', `import '../../logic/logic.ts';`],
  [
    'the cluster contract must not know what it connects',
    'apps/server/src/cluster/contract.ts',
    `import '../logic/logic.ts';`,
  ],
  ['the entry knows no parts, only roles', 'apps/server/src/main.ts', `import './gate/gate.ts';`],
  [
    'nobody reaches into a package by a path',
    'apps/server/src/gate/x.ts',
    `import '../../../../packages/core/src/index.ts';`,
  ],
  ['nobody reaches into a package by its name', 'apps/server/src/gate/x.ts', `import '@fastim/core/src/index.ts';`],
  ['e2e sees the server from outside', 'e2e/tests/x.spec.ts', `import '../../apps/server/src/gate/gate.ts';`],
  [
    'tests too use the public exports of others',
    'apps/server/src/gate/x.test.ts',
    `import '../../../../packages/core/src/index.ts';`,
  ],
  [
    'code that ships must not use test helpers',
    'apps/server/src/gate/x.ts',
    `import { ManualClock } from '@fastim/core/testing';`,
  ],
  ['a testing folder is for tests', 'apps/server/src/gate/x.ts', `import './testing/fake-logic.ts';`],
];

const allowed: ReadonlyArray<[string, string, string]> = [
  [
    'core with time as an argument',
    'packages/core/src/x.ts',
    `export const at = (ms: number) => new Date(ms).toISOString();`,
  ],
  [
    'a clock that was handed in',
    'packages/core/src/x.ts',
    `export const at = (clock: { now(): number }) => clock.now();`,
  ],
  [
    'a local that is called like something global',
    'packages/core/src/x.ts',
    `export const f = (process: { env: string }) => process.env;`,
  ],
  [
    'a property that is called like something global',
    'packages/core/src/x.ts',
    `export const f = (a: { crypto: number }) => a.crypto;`,
  ],
  [
    'engine on core and protocol',
    'apps/desktop/src/engine/x.ts',
    `import '@fastim/core'; import '@fastim/protocol'; import './ports.ts';`,
  ],
  [
    'bridge with types of engine',
    'apps/desktop/src/bridge/x.ts',
    `import { type A, type B } from '../engine/views.ts';`,
  ],
  ['preload with types of bridge', 'apps/desktop/src/preload/x.ts', `import type { A } from '../bridge/contract.ts';`],
  [
    'renderer with styles and libraries',
    'apps/desktop/src/renderer/x.tsx',
    `import 'react'; import './x.css'; import '../bridge/contract.ts';`,
  ],
  [
    'roles with everything',
    'apps/server/src/roles/x.ts',
    `import '../storage/sqlite/open-sqlite-storage.ts'; import '../gate/gate.ts';`,
  ],
  [
    'tests with everything of their app',
    'apps/server/src/gate/x.test.ts',
    `import '../logic/logic.ts'; import './testing/fake-logic.ts'; import 'vitest';`,
  ],
  [
    'tests with the helper for scale and of core',
    'apps/server/src/gate/x.test.ts',
    `import '../../../../scripts/test-scale.ts'; import '@fastim/core/testing';`,
  ],
];

describe('the layering rule', () => {
  it.each(planted)('%s', (_rule, file, source) => {
    expect(violations(file, `// one line above\n${source}\n`)).toEqual([expect.stringMatching(/^2 (imports|uses) /)]);
  });

  it.each(allowed)('allows %s', (_what, file, source) => {
    expect(violations(file, source)).toEqual([]);
  });

  it('finds every way to import, and tells types from values', () => {
    const { imports } = readSource(
      'x.tsx',
      [
        `import a from 'a';`,
        `import type { B } from 'b';`,
        `import { type C1, type C2 } from 'c';`,
        `export { d } from 'd';`,
        `export * from 'e';`,
        `const f = import('f');`,
        `const g = require('g');`,
        `let h: import('h').H;`,
        `import { type I, i } from 'i';`,
        `export type { J } from 'j';`,
        `const k = <div title="import 'no'" />;`,
      ].join('\n'),
    );
    expect(imports.map(({ specifier, line, typeOnly }) => `${line}${specifier}${typeOnly ? ' type' : ''}`)).toEqual([
      '1a',
      '2b type',
      '3c type',
      '4d',
      '5e',
      '6f',
      '7g',
      '8h type',
      '9i',
      '10j type',
    ]);
  });

  it('names only zones that exist, and gives every file one', () => {
    const names = zones.map((zone) => zone.name);
    expect(new Set(names).size).toBe(names.length);
    for (const zone of zones) {
      for (const other of [...zone.zones, ...(zone.types ?? [])]) expect(names).toContain(other);
    }
    expect(zoneOf('apps/server/src/storage/sqlite/x.ts')?.name).toBe('sqlite');
    expect(zoneOf('apps/server/src/storage/storage.ts')?.name).toBe('storage contracts');
    expect(violations('apps/other/src/x.ts', '')).toEqual(['1 lies outside every zone']);
  });

  it('is kept by this tree', () => {
    const { files, violations: found } = checkTree(root);
    expect(found).toEqual([]);
    expect(files).toBeGreaterThan(100);
  });
});

describe('the command', () => {
  const planting = mkdtempSync(join(tmpdir(), 'fastim-layers-'));
  afterAll(() => rmSync(planting, { recursive: true }));

  function run(tree: string) {
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'scripts/check-layers.ts'), tree], {
      encoding: 'utf8',
    });
    return { status, stderr };
  }

  it('prints file, line and rule, and fails', () => {
    for (const manifest of ['packages/core/package.json', 'packages/protocol/package.json']) {
      mkdirSync(dirname(join(planting, manifest)), { recursive: true });
      cpSync(join(root, manifest), join(planting, manifest));
    }
    mkdirSync(join(planting, 'packages/core/src'), { recursive: true });
    writeFileSync(join(planting, 'packages/core/src/clock.ts'), '\n\nexport const now = Date.now();\n');
    const { status, stderr } = run(planting);
    expect(status).toBe(1);
    expect(stderr).toContain('packages/core/src/clock.ts:3 uses Date.now\n    core is deterministic');
  });

  it('fails on source that it cannot read, and on an empty tree', () => {
    writeFileSync(join(planting, 'packages/core/src/clock.ts'), 'export const = ;');
    expect(run(planting).status).not.toBe(0);
    rmSync(join(planting, 'packages/core/src'), { recursive: true });
    expect(run(planting)).toMatchObject({ status: 1, stderr: expect.stringContaining('no source files') });
  });
});
