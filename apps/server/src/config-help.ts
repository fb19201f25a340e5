import { configKeys } from './config-keys.ts';

/** What --help prints: every option with its default; the variable's name follows from the option's. */
export function helpText(): string {
  const lines = configKeys.map((key) => {
    const shown = Array.isArray(key.defaultValue) ? key.defaultValue.join(',') : String(key.defaultValue);
    return `  ${key.option.padEnd(46)} ${shown === '' ? '(none)' : shown}`;
  });
  return `FastIM server

Usage: fastim-server [options]
       fastim-server backup FILE [options]    writes a checked copy of the data folder, while the server runs or not
       fastim-server restore FILE [options]   puts a backup into a data folder that has no database
       fastim-server verify FILE              reads a backup as a whole and says what is wrong with it

  --config FILE   read options from a JSON file (also FASTIM_CONFIG)
  --help          show this and end
  --version       show the version and end

Each option below can also stand in the file (gate.heartbeatIntervalMs for --gate-heartbeat-interval-ms) and in the
environment (FASTIM_GATE_HEARTBEAT_INTERVAL_MS; with _FILE at its end the variable names a file that holds the value).
The command line wins over the environment, the environment over the file. Lists are separated by commas, times are in
milliseconds, port 0 is any free port.

Options and their defaults:
${lines.join('\n')}
`;
}
