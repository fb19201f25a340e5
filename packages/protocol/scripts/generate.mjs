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
  makeStrict(js);
  execFileSync(process.execPath, [join(cli, 'bin/pbts'), '-o', join(outDir, 'fastim.d.ts'), js], { stdio: 'inherit' });
  writeFileSync(stamp, hash);
}

/**
 * protobufjs reads a known field with a wrong wire type as an unknown one and drops it, so a broken message could look
 * like a valid one without that field. Here it is an error.
 */
function makeStrict(file) {
  const lenient = /if \(wireType !== (\d)\)\s*break;/g;
  const source = readFileSync(file, 'utf8');
  const fields = source.match(/^ +case \d+: \{$/gm)?.length ?? 0;
  let changed = 0;
  const strict = source.replace(lenient, (_match, wireType) => {
    changed += 1;
    return `if (wireType !== ${wireType}) throw $Error("wrong wire type");`;
  });
  if (changed === 0 || changed !== fields) throw new Error(`pbjs output has changed: ${changed} of ${fields} fields`);
  writeFileSync(file, strict);
}
