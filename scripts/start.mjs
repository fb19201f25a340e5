// npm start: sets up, starts the server and the chat app, prints one line when both are ready, stops both on Ctrl-C.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensureElectron, hasScreen, headlessEntry } from './lib/desktop-command.mjs';
import { freePorts, readyLine, runDemo } from './lib/launch.mjs';
import { productNode, projectRoot, SetupError } from './lib/project.mjs';
import { ensureBuilt, ensureDependencies, runScript } from './lib/setup.mjs';
import { parseStartOptions, startHelp } from './lib/start-options.mjs';
import { exitOf, startChild, stopChild } from './lib/supervise.mjs';

await runScript(async () => {
  const options = parseStartOptions(process.argv.slice(2), process.env);
  if (options.help) {
    console.log(startHelp());
    return 0;
  }
  ensureDependencies();
  ensureBuilt();
  return start(options);
});

/** @param {import('./lib/start-options.mjs').StartOptions} options */
async function start(options) {
  const data = resolve(process.env.INIT_CWD ?? '.', options.data ?? (options.demo ? '.fastim/demo' : '.fastim'));
  mkdirSync(data, { recursive: true, mode: 0o700 });
  // The app and the server each have to know the other's address before either is up.
  const [anyPort = 0, bridgePort = 0] = await freePorts(options.host, '127.0.0.1');
  const port = options.port || anyPort;
  const here = options.host === '0.0.0.0' ? '127.0.0.1' : options.host === '::' ? '[::1]' : options.host;
  const origin = `http://${here}:${port}`;

  /** @type {import('node:child_process').ChildProcess[]} */
  const children = [];
  /** @type {Promise<void> | undefined} */
  let stopped;
  const stopAll = async () => {
    // The app first: it says goodbye to a server that is still there.
    for (const child of children.slice().reverse()) await stopChild(child);
  };
  const stop = () => {
    stopped ??= stopAll();
    return stopped;
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    const serverArgs = ['--data', data, '--host', options.host, '--port', String(port)];
    serverArgs.push('--tcp-port', String(options.tcpPort), '--ws-port', String(options.wsPort));
    serverArgs.push('--metrics-port', String(options.metricsPort));
    serverArgs.push('--log-file', join(data, 'server.log'));
    serverArgs.push('--app-directory', join(projectRoot, 'apps/desktop/dist/renderer-app'));
    serverArgs.push('--app-bridge-port', String(bridgePort));
    const server = startChild(productNode(), [join(projectRoot, 'apps/server/dist/main.js'), ...serverArgs], {
      stdout: 'pipe',
    });
    children.push(server);

    const appArgs = ['--data', join(data, 'desktop'), '--server', origin, '--port', String(bridgePort)];
    appArgs.push('--allowed-origin', origin, '--allowed-origin', `http://localhost:${port}`);
    const app = startChild(productNode(), [headlessEntry(), ...appArgs], { stdout: 'pipe' });
    children.push(app);
    const [serverLine, appLine] = await Promise.all([readyLine(server, 'the server'), readyLine(app, 'the chat app')]);
    const token = /#token=(\S+)/.exec(appLine)?.[1];
    if (!token) throw new SetupError(`the chat app printed no address: ${appLine}`);

    const address = (/** @type {string} */ profile) =>
      `${origin}/${profile ? `?profile=${profile}` : ''}#token=${token}`;
    if (options.demo) {
      await runDemo(bridgePort, token, origin, join(data, 'desktop'));
      console.log(`FastIM ready  Alice ${address('alice')}  Bob ${address('bob')}`);
    } else {
      const tcp = /tcp (\S+)/.exec(serverLine)?.[1];
      console.log(`FastIM ready  ${address('')}  (another person: ${origin}/?profile=bob)  tcp ${tcp}`);
    }
    if (options.open) openApp(options.demo ? address('alice') : address(''), origin, children);
    const ended = (/** @type {string} */ name) => (/** @type {number} */ code) => ({ name, code });
    const first = await Promise.race([exitOf(server).then(ended('server')), exitOf(app).then(ended('chat app'))]);
    const asked = stopped !== undefined;
    await stop();
    if (asked) return 0;
    console.error(
      `FastIM: the ${first.name} ended by itself (exit code ${first.code}); see ${join(data, 'server.log')}`,
    );
    return first.code || 1;
  } catch (error) {
    // Ctrl-C while it starts makes the children end before they are ready: that is no error.
    const asked = stopped !== undefined;
    await stop();
    if (asked) return 0;
    throw error;
  }
}

/**
 * @param {string} url
 * @param {string} serverUrl
 * @param {import('node:child_process').ChildProcess[]} children
 */
function openApp(url, serverUrl, children) {
  const electron = ensureElectron();
  if (electron) {
    children.push(startChild(electron, [join(projectRoot, 'apps/desktop'), '--server', serverUrl]));
    return;
  }
  if (!hasScreen()) return;
  const [command, ...args] =
    process.platform === 'darwin'
      ? ['open', url]
      : process.platform === 'win32'
        ? ['cmd', '/c', 'start', '', url]
        : ['xdg-open', url];
  const opener = spawn(/** @type {string} */ (command), args, { stdio: 'ignore', detached: true });
  opener.once('error', () => console.error('FastIM: no browser could be opened; the address above works in any.'));
  opener.unref();
}
