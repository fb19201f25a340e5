// Finds or installs what the browser tests need besides the npm packages: a Chromium, and fonts for Chinese and emoji.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const chromiumPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/**
 * An installed Chromium: FASTIM_CHROMIUM, else the usual places; undefined when there is none (the tests then unpack
 * the one from npm).
 * @returns {string | undefined}
 */
export function findChromium() {
  const named = process.env.FASTIM_CHROMIUM;
  if (named) return named;
  return chromiumPaths.find((path) => existsSync(path));
}

/** Installs what is missing from Debian's packages where that is possible; says what is missing where it is not. */
export function ensureBrowser() {
  /** @type {string[]} */
  const wanted = [];
  if (!findChromium()) wanted.push('chromium');
  if (!hasFont('Noto Sans CJK')) wanted.push('fonts-noto-cjk');
  if (!hasFont('Noto Color Emoji')) wanted.push('fonts-noto-color-emoji');
  if (wanted.length === 0) return;
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    console.error(
      `FastIM: not installed: ${wanted.join(', ')}. The browser tests use the Chromium from npm; text in screenshots may lack glyphs.`,
    );
    return;
  }
  console.error(`FastIM: installing ${wanted.join(', ')} …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = () =>
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...wanted], { env, encoding: 'utf8' });
  let result = install();
  if (result.status !== 0) {
    spawnSync('apt-get', ['update'], { env, stdio: 'ignore' });
    result = install();
  }
  if (result.status !== 0) {
    console.error(
      `FastIM: could not install ${wanted.join(', ')}: ${result.stderr?.trim().split('\n').at(-1) ?? 'apt-get failed'}`,
    );
  }
}

/** @param {string} family */
function hasFont(family) {
  const result = spawnSync('fc-list', [family], { encoding: 'utf8' });
  return result.status === 0 && result.stdout.trim() !== '';
}
