// What starting the product has in common, whether it is one server or a whole cluster.
import { createServer } from 'node:net';
import { join } from 'node:path';
import { productNode, projectRoot, SetupError } from './project.mjs';
import { exitOf, startChild } from './supervise.mjs';

/**
 * The first line a child prints; its later output goes to our standard error.
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} name
 * @returns {Promise<string>}
 */
export function readyLine(child, name) {
  return new Promise((resolvePromise, reject) => {
    let text = '';
    let ready = false;
    child.stdout?.on('data', (chunk) => {
      if (ready) {
        process.stderr.write(chunk);
        return;
      }
      text += chunk;
      const end = text.indexOf('\n');
      if (end >= 0) {
        ready = true;
        resolvePromise(text.slice(0, end));
      }
    });
    child.once('error', (error) => reject(new SetupError(`${name} could not be started: ${error.message}`)));
    child.once('exit', (code) => reject(new SetupError(`${name} stopped before it was ready (exit code ${code}).`)));
  });
}

/**
 * A free port on each host, all different: the probes are closed only when all are chosen.
 * @param {string[]} hosts
 * @returns {Promise<number[]>}
 */
export async function freePorts(...hosts) {
  const probes = [];
  for (const host of hosts) {
    const probe = createServer();
    await new Promise((resolvePromise, reject) => {
      probe.once('error', (error) => reject(new SetupError(`cannot listen on ${host}: ${error.message}`)));
      probe.listen(0, host, () => resolvePromise(undefined));
    });
    probes.push(probe);
  }
  return Promise.all(
    probes.map((probe) => {
      const address = probe.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      return new Promise((resolvePromise) => probe.close(() => resolvePromise(port)));
    }),
  );
}

/**
 * @param {number} bridgePort
 * @param {string} token
 * @param {string} serverUrl
 * @param {string} folder
 */
export async function runDemo(bridgePort, token, serverUrl, folder) {
  const env = { ...process.env, FASTIM_DEMO_TOKEN: token };
  const args = [join(projectRoot, 'scripts/demo.ts'), String(bridgePort), serverUrl, folder];
  const code = await exitOf(startChild(productNode(), ['--conditions=fastim-source', ...args], { env }));
  if (code !== 0) throw new SetupError('the demo conversation could not be made; its message is above.');
}
