/**
 * The server's entry: nothing of it is loaded before the Node version is known to be right, because native modules crash
 * without a word on an older one.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`fastim: Node ${process.versions.node} is too old: version 22.18 or newer is needed.\n`);
  process.exit(1);
}
const { runCommandLine } = await import('./cli.ts');
await runCommandLine(process.argv.slice(2));
