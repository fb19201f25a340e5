// The chat app for a browser on this machine: node dist/headless/main.js [options].
// The version is checked before anything else is loaded: the native parts crash on a Node that is too old.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  process.stderr.write(`FastIM desktop: needs Node 22.18 or newer (24 is best) and found ${process.versions.node}\n`);
  process.exitCode = 1;
} else {
  const { runHeadless } = await import('./run-headless.ts');
  process.exitCode = await runHeadless(process.argv.slice(2));
  // Signal handlers and an open standard input would keep the process.
  process.exit();
}

export {};
