// npm run server | cluster | admin | chaos | desktop | e2e | bench | simulate: sets up what is needed, then starts the part with the arguments given.

import { join } from 'node:path';
import { ensureBrowser } from './lib/browser-setup.mjs';
import { desktopCommand } from './lib/desktop-command.mjs';
import { productNode, projectRoot, SetupError } from './lib/project.mjs';
import { ensureRedis, redisMissing } from './lib/redis-setup.mjs';
import { ensureBuilt, ensureDependencies, runProductNode, runScript } from './lib/setup.mjs';
import { superviseOne } from './lib/supervise.mjs';

const [part, ...args] = process.argv.slice(2);

await runScript(async () => {
  ensureDependencies();
  ensureBuilt();
  switch (part) {
    case 'server':
      return superviseOne(productNode(), [join(projectRoot, 'apps/server/dist/main.js'), ...args]);
    case 'cluster':
      if (!ensureRedis()) throw new SetupError(redisMissing);
      return superviseOne(productNode(), [join(projectRoot, 'scripts/cluster.mjs'), ...args]);
    case 'admin':
      return runProductNode('apps/server/dist/admin/main.js', args);
    case 'chaos':
      if (!ensureRedis()) throw new SetupError(redisMissing);
      return runProductNode('e2e/chaos/main.ts', args);
    case 'desktop': {
      const { command, commandArgs } = desktopCommand(args);
      return superviseOne(command, commandArgs);
    }
    case 'e2e':
      ensureBrowser();
      return runProductNode('node_modules/@playwright/test/cli.js', [
        'test',
        '--config',
        'e2e/playwright.config.ts',
        ...args,
      ]);
    case 'bench':
      return runProductNode('e2e/bench/main.ts', args);
    case 'simulate':
      return runProductNode('e2e/simulator/main.ts', args);
    default:
      throw new SetupError(
        `no part named ${part ?? '(none)'}: server, cluster, admin, chaos, desktop, e2e, bench or simulate`,
      );
  }
});
