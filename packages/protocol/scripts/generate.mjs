// Makes src/generated/fastim.{js,d.ts} from proto/*.proto. Skips the work when the proto file has not changed.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packageRoot = fileURLToPath(new URL('..', import.meta.url));
const proto = join(packageRoot, 'proto/fastim.proto');
const outDir = join(packageRoot, 'src/generated');
const stamp = join(outDir, '.source-hash');
const hash = createHash('sha256')
  .update(readFileSync(proto))
  .update(readFileSync(fileURLToPath(import.meta.url)))
  .digest('hex');

if (!(existsSync(stamp) && readFileSync(stamp, 'utf8') === hash)) {
  mkdirSync(outDir, { recursive: true });
  const cli = dirname(createRequire(import.meta.url).resolve('protobufjs-cli/package.json'));
  const js = join(outDir, 'fastim.js');
  execFileSync(
    process.execPath,
    [
      join(cli, 'bin/pbjs'),
      '-t',
      'static-module',
      '-w',
      'es6',
      '--es6',
      '--force-long',
      '--no-verify',
      '--no-convert',
      '--no-delimited',
      '--no-service',
      '--no-typeurl',
      '-o',
      js,
      proto,
    ],
    { stdio: 'inherit' },
  );
  execFileSync(process.execPath, [join(cli, 'bin/pbts'), '-o', join(outDir, 'fastim.d.ts'), js], { stdio: 'inherit' });
  writeFileSync(stamp, hash);
}
