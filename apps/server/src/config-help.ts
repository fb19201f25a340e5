import { type ConfigKey, configKeys } from './config-keys.ts';

/** Whom the options are for; every top-level name of the schema stands in exactly one group. */
export const helpGroups: readonly { title: string; names: readonly string[] }[] = [
  {
    title: 'Every role',
    names: [
      'role',
      'data',
      'host',
      'metricsPort',
      'metricsHost',
      'tls',
      'admin',
      'trustedProxies',
      'allowedOrigins',
      'logLevel',
      'logFile',
    ],
  },
  { title: 'Roles all, api and lsb: HTTP', names: ['port', 'name', 'app', 'api', 'auth'] },
  { title: 'Roles all and gate: client connections', names: ['tcpPort', 'wsPort', 'advertise', 'gate'] },
  { title: 'Roles all and logic: the rules', names: ['logic'] },
  { title: 'Roles lsb and api: which gate a client gets', names: ['lsb'] },
  {
    title: 'Roles lsb, gate, api and logic: the cluster (a gate needs no store.url)',
    names: ['cluster', 'registry', 'store'],
  },
];

/** What --help prints: every option with its default; the variable's name follows from the option's. */
export function helpText(): string {
  const groups = helpGroups.map(({ title, names }) => {
    const keys = names.flatMap((name) => configKeys.filter((key) => key.path[0] === name));
    return `${title}:\n${keys.map(line).join('\n')}`;
  });
  return `FastIM server

Usage: fastim-server [options]
       fastim-server backup FILE [options]    writes a checked copy of the data folder, while the server runs or not
       fastim-server restore FILE [options]   puts a backup into a data folder that has no database
       fastim-server verify FILE              reads a backup as a whole and says what is wrong with it
       fastim-server migrate-store --data DIR --store-url URL   moves a data folder into an empty database; again: goes on
       fastim-server restored-store --store-url URL   checks a restored database and makes it ready for servers

  --config FILE   read options from a JSON file (also FASTIM_CONFIG)
  --help          show this and end
  --version       show the version and end

Each option below can also stand in the file (gate.heartbeatIntervalMs for --gate-heartbeat-interval-ms) and in the
environment (FASTIM_GATE_HEARTBEAT_INTERVAL_MS; with _FILE at its end the variable names a file that holds the value:
the way for secrets). The command line wins over the environment, the environment over the file. Lists are separated by
commas, times are in milliseconds, port 0 is any free port.

Options and their defaults:

${groups.join('\n\n')}
`;
}

function line(key: ConfigKey): string {
  const shown = Array.isArray(key.defaultValue) ? key.defaultValue.join(',') : String(key.defaultValue);
  return `  ${key.option.padEnd(46)} ${shown === '' ? '(none)' : shown}`;
}
