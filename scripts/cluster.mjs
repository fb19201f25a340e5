// npm run cluster: a whole cluster on this machine, with its own PostgreSQL and Redis; prints what runs where.
import { existsSync, mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { MissingProgram, startLocalCluster } from '@fastim/server/local-cluster';
import { clusterHelp, parseClusterOptions } from './lib/cluster-options.mjs';
import { headlessEntry } from './lib/desktop-command.mjs';
import { freePorts, readyLine, runDemo } from './lib/launch.mjs';
import { productNode, projectRoot, SetupError } from './lib/project.mjs';
import { runScript } from './lib/setup.mjs';
import { exitOf, startChild, stopChild } from './lib/supervise.mjs';

await runScript(async () => {
  const options = parseClusterOptions(process.argv.slice(2));
  if (options.help) {
    console.log(clusterHelp());
    return 0;
  }
  return run(options);
});

/** @param {import('./lib/cluster-options.mjs').ClusterOptions} options */
async function run(options) {
  const directory = resolve(process.env.INIT_CWD ?? '.', options.data);
  const appDirectory = join(projectRoot, 'apps/desktop/dist/renderer-app');
  const [bridgePort = 0] = options.app ? await freePorts('127.0.0.1') : [];
  const asked = Promise.withResolvers();
  let stopping = false;
  const stop = () => {
    stopping = true;
    asked.resolve(undefined);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  // The launcher is gone, however it ended.
  if (process.env.FASTIM_STOP_WITH_STDIN) process.stdin.on('end', stop).on('error', stop).resume();

  /** @type {import('@fastim/server/local-cluster').LocalCluster | undefined} */
  let cluster;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let app;
  try {
    cluster = await startLocalCluster({
      directory,
      lsbs: options.lsbs,
      gates: options.gates,
      apis: options.apis,
      logics: options.logics,
      environment: (member) =>
        options.app && member.startsWith('api-') && existsSync(appDirectory)
          ? { FASTIM_APP_DIRECTORY: appDirectory, FASTIM_APP_BRIDGE_PORT: String(bridgePort) }
          : {},
      say: (line) => {
        if (!stopping) console.error(`FastIM: ${line}`);
      },
    });
    if (stopping) return 0;
    const [origin = ''] = cluster.serverUrls;
    let addresses = origin;
    if (options.app) {
      const data = join(directory, 'desktop');
      mkdirSync(data, { recursive: true, mode: 0o700 });
      app = startChild(productNode(), appArguments(cluster.serverUrls, data, bridgePort), { stdout: 'pipe' });
      const token = /#token=(\S+)/.exec(await readyLine(app, 'the chat app'))?.[1];
      if (!token) throw new SetupError('the chat app printed no address');
      const address = (/** @type {string} */ profile) =>
        `${origin}/${profile ? `?profile=${profile}` : ''}#token=${token}`;
      if (options.demo) await runDemo(bridgePort, token, origin, data);
      addresses = options.demo
        ? `Alice ${address('alice')}  Bob ${address('bob')}`
        : `${address('')}  (another person: ${origin}/?profile=bob)`;
    }
    for (const line of table(cluster.members())) console.log(line);
    const shown = (/** @type {string} */ path) => relative(process.env.INIT_CWD ?? process.cwd(), path);
    const metrics = cluster.member('logic-1').addresses.metrics ?? '';
    const secret = shown(join(directory, 'logic-1', 'cluster-secret'));
    console.log(
      `administration: FASTIM_CLUSTER_SECRET_FILE=${secret} npm run admin -- nodes --at ${new URL(metrics).origin}`,
    );
    console.log(`FastIM cluster ready  ${addresses}`);
    const appEnded = app ? exitOf(app) : new Promise(() => undefined);
    const code = await Promise.race([asked.promise, appEnded]);
    if (stopping) return 0;
    console.error(`FastIM: the chat app ended by itself (exit code ${code})`);
    return 1;
  } catch (error) {
    if (stopping) return 0;
    if (error instanceof MissingProgram) throw new SetupError(error.message);
    throw new SetupError(error instanceof Error ? error.message : String(error));
  } finally {
    stopping = true;
    // The app first: it says goodbye to servers that are still there.
    if (app) await stopChild(app);
    await cluster?.stop();
    process.stdin.destroy();
  }
}

/**
 * @param {readonly string[]} serverUrls
 * @param {string} data
 * @param {number} port
 */
function appArguments(serverUrls, data, port) {
  const [first = ''] = serverUrls;
  const args = [headlessEntry(), '--data', data, '--server', first, '--port', String(port)];
  for (const url of serverUrls) {
    args.push('--allowed-origin', url, '--allowed-origin', `http://localhost:${new URL(url).port}`);
  }
  return args;
}

/**
 * Who runs where, aligned.
 * @param {readonly import('@fastim/server/local-cluster').ClusterMember[]} members
 */
function table(members) {
  const rows = members.map(({ name, kind, pid, addresses, logFile }) => [
    kind,
    name,
    String(pid ?? '-'),
    Object.entries(addresses)
      .map(([use, address]) => `${use} ${address.replace(/:[^:@/]+@/, ':…@')}`)
      .join('  '),
    relative(process.env.INIT_CWD ?? process.cwd(), logFile),
  ]);
  const all = [['role', 'name', 'pid', 'addresses', 'log'], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
