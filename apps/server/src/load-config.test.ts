import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { helpGroups, helpText } from './config-help.ts';
import { configKeys } from './config-keys.ts';
import { ConfigError, loadConfig, requireRunnable } from './load-config.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fastim-config-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

function config(argv: string[], env: Record<string, string> = {}) {
  const loaded = loadConfig(argv, env);
  if (loaded.action !== 'run') throw new Error(`the action is ${loaded.action}`);
  return loaded.config;
}

describe('loading the configuration', () => {
  it('has a default for everything', () => {
    expect(config([])).toMatchObject({
      data: '.fastim',
      port: 8600,
      tcpPort: 8601,
      gate: { heartbeatIntervalMs: 30_000 },
    });
  });

  it('lets the command line win over the environment, that over the file, and that over the defaults', () => {
    const path = file('all.json', '{"port": 1001, "tcpPort": 1002, "wsPort": 1003, "gate": {"drainMs": 7}}');
    const env = { FASTIM_TCP_PORT: '2002', FASTIM_WS_PORT: '2003' };
    expect(config(['--config', path, '--ws-port=3003'], env)).toMatchObject({
      port: 1001,
      tcpPort: 2002,
      wsPort: 3003,
      metricsPort: 8603,
      gate: { drainMs: 7, heartbeatIntervalMs: 30_000 },
    });
    expect(config([], { FASTIM_CONFIG: path }).port).toBe(1001);
  });

  it('takes every key from each of its three sources', () => {
    for (const key of configKeys) {
      const text = Array.isArray(key.defaultValue) ? '' : String(key.defaultValue);
      const fromFile = key.path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), key.defaultValue);
      const path = file('one.json', JSON.stringify(fromFile));
      expect(() => config(['--config', path])).not.toThrow();
      expect(() => config([], { [key.variable]: text })).not.toThrow();
      expect(() => config([`${key.option}=${text}`])).not.toThrow();
    }
    expect(new Set(configKeys.map((key) => key.variable)).size).toBe(configKeys.length);
    expect(new Set(configKeys.map((key) => key.option)).size).toBe(configKeys.length);
  });

  it('refuses a gray rule that cannot be read, and names the key', () => {
    expect(
      config([], { FASTIM_GATE_GRAY_RULES: 'percentage=10 version=>=1.2.0 <2.0.0,users=17+18' }).gate.grayRules,
    ).toEqual(['percentage=10 version=>=1.2.0 <2.0.0', 'users=17+18']);
    expect(() => config(['--gate-gray-rules=percentage=200'])).toThrow(
      new ConfigError('gate.grayRules: percentage has to be a number from 0 to 100, not "200"'),
    );
    const path = file('gray.json', '{"gate": {"grayRules": ["users=17", "everybody"]}}');
    expect(() => config(['--config', path])).toThrow(/^gate\.grayRules: "everybody"/);
  });

  it('names nested keys after the schema', () => {
    const names = configKeys.map((key) => [key.path.join('.'), key.variable, key.option]);
    expect(names).toContainEqual([
      'gate.heartbeatIntervalMs',
      'FASTIM_GATE_HEARTBEAT_INTERVAL_MS',
      '--gate-heartbeat-interval-ms',
    ]);
    expect(names).toContainEqual([
      'auth.argon2.memoryKiB',
      'FASTIM_AUTH_ARGON2_MEMORY_KIB',
      '--auth-argon2-memory-kib',
    ]);
    expect(names).toContainEqual(['logFile', 'FASTIM_LOG_FILE', '--log-file']);
  });

  it('reads a value from a file named by a variable that ends in _FILE, but FASTIM_LOG_FILE is a key', () => {
    const path = file('name', 'Our chat\n');
    expect(config([], { FASTIM_NAME_FILE: path }).name).toBe('Our chat');
    expect(config([], { FASTIM_LOG_FILE: path }).logFile).toBe(path);
  });

  it('splits lists at commas', () => {
    const origins = ['https://a.example', 'http://b.example:8080'];
    expect(config(['--allowed-origins', origins.join(', ')]).allowedOrigins).toEqual(origins);
    expect(config([], { FASTIM_ALLOWED_ORIGINS: '' }).allowedOrigins).toEqual([]);
  });

  it('leaves variables of tests and other programs alone', () => {
    const env = { FASTIM_TEST_SCALE: '3', FASTIM_DESKTOP_PORT: 'x', FASTIM_NO_OPEN: '1', HOME: '/' };
    expect(config([], env).port).toBe(8600);
  });

  it('is frozen to its leaves', () => {
    const loaded = config([]);
    expect(Object.isFrozen(loaded)).toBe(true);
    expect(Object.isFrozen(loaded.auth.argon2)).toBe(true);
    expect(Object.isFrozen(loaded.allowedOrigins)).toBe(true);
  });

  it('answers --help and --version wherever they stand', () => {
    expect(loadConfig(['--port', '1', '--help'], { FASTIM_NO_SUCH: '1' }).action).toBe('help');
    expect(loadConfig(['--version'], {}).action).toBe('version');
    for (const key of configKeys) expect(helpText()).toContain(`  ${key.option} `);
  });

  const bad: [what: string, argv: string[], env: Record<string, string>, message: RegExp][] = [
    ['an unknown option', ['--prot', '1'], {}, /^unknown option --prot \(did you mean --port\?\)$/],
    ['an unknown option far from any', ['--zzzzzzzzzz', '1'], {}, /^unknown option --zzzzzzzzzz$/],
    ['an argument that is no option', ['run'], {}, /^unknown argument "run"/],
    ['an option without its value', ['--port'], {}, /^--port needs a value$/],
    ['an option followed by another', ['--data', '--port', '1'], {}, /^--data needs a value$/],
    [
      'a port that is no number',
      ['--port', 'abc'],
      {},
      /^--port: has to be a whole number from 0 to 65535, not "abc"$/,
    ],
    ['a port past the end', ['--tcp-port', '65536'], {}, /^--tcp-port: .*not "65536"$/],
    ['a negative port', ['--ws-port=-1'], {}, /^--ws-port: .*not "-1"$/],
    ['an empty port', [], { FASTIM_PORT: '' }, /^FASTIM_PORT: .*not ""$/],
    ['a hexadecimal port', ['--port', '0x10'], {}, /^--port: /],
    [
      'a fraction',
      ['--gate-drain-ms', '1.5'],
      {},
      /^--gate-drain-ms: has to be a whole number, at least 1, not "1.5"$/,
    ],
    ['an unknown level', ['--log-level', 'loud'], {}, /^--log-level: has to be one of trace, .*not "loud"$/],
    ['an empty data folder', ['--data', ''], {}, /^--data: has to be a text, not empty, not ""$/],
    ['a weak hash', [], { FASTIM_AUTH_ARGON2_MEMORY_KIB: '1024' }, /^FASTIM_AUTH_ARGON2_MEMORY_KIB: .*at least 19456/],
    ['an unknown variable', [], { FASTIM_PRT: '1' }, /^unknown variable FASTIM_PRT \(did you mean FASTIM_PORT\?\)$/],
    ['a variable twice', [], { FASTIM_NAME: 'a', FASTIM_NAME_FILE: '/etc/hostname' }, /both set name: keep one$/],
    ['a value file that is missing', [], { FASTIM_NAME_FILE: '/no/such' }, /^FASTIM_NAME_FILE: cannot read .*ENOENT/],
    ['a config file that is missing', ['--config', '/no/such.json'], {}, /^--config: cannot read .*ENOENT/],
    [
      'a database address that is none, without its password',
      [],
      { FASTIM_STORE_URL: 'mysql://fastim:hunter2@db/fastim' },
      /^FASTIM_STORE_URL: has to be an address like postgres:[^ ]*$/,
    ],
    ['a secret that is too long, without it', ['--cluster-secret', 'hunter2'.repeat(200)], {}, /^(?!.*hunter2)/],
    [
      'an address without a port',
      ['--advertise-tcp', 'chat.example'],
      {},
      /^--advertise-tcp: .*chat\.example\.org:8601/,
    ],
    ['a WebSocket address that is http', ['--advertise-ws', 'http://a'], {}, /^--advertise-ws: .*wss:/],
    [
      'an origin with a path',
      ['--allowed-origins', 'https://a.example/x'],
      {},
      /^--allowed-origins: .*a list of origins/,
    ],
    ['a proxy that is no network', ['--trusted-proxies', '10.0.0.0/99'], {}, /^--trusted-proxies: .*networks/],
    ['control characters in a name', ['--a\nb\u001b[31m', '1'], {}, /^unknown option --a\?b\?\[31m/],
  ];
  it.each(bad)('names %s in one line', (_what, argv, env, message) => {
    expect(() => loadConfig(argv, env)).toThrow(ConfigError);
    expect(() => loadConfig(argv, env)).toThrow(message);
    expect(() => loadConfig(argv, env)).toThrow(/^[^\n]*$/);
  });

  const badFiles: [what: string, text: string, message: RegExp][] = [
    ['text that is not JSON', '{port: 1}', /is not JSON: /],
    ['a list', '[]', /the file has to be an object/],
    ['an unknown key', '{"prot": 1}', /unknown key prot \(did you mean port\?\)/],
    ['an unknown nested key', '{"gate": {"drainMS": 1}}', /unknown key gate\.drainMS \(did you mean gate\.drainMs\?\)/],
    ['a value where a group belongs', '{"gate": 1}', /gate has to be an object/],
    ['a text where a number belongs', '{"port": "1"}', /port: has to be a whole number .*not "1"/],
    ['a key that reaches a prototype', '{"__proto__": {"port": 1}}', /unknown key __proto__/],
  ];
  it.each(badFiles)('names %s in the file', (_what, text, message) => {
    const path = file('bad.json', text);
    expect(() => loadConfig(['--config', path], {})).toThrow(message);
    expect(() => loadConfig(['--config', path], {})).toThrow(path);
  });
});

describe('what a role needs', () => {
  const secret = 'x'.repeat(32);
  const cluster = {
    FASTIM_REGISTRY_URL: 'redis://127.0.0.1/0',
    FASTIM_STORE_URL: 'postgres://fastim:hunter2@127.0.0.1/fastim',
    FASTIM_CLUSTER_SECRET: secret,
  };
  const without = (...names: (keyof typeof cluster)[]) =>
    Object.fromEntries(Object.entries(cluster).filter(([name]) => !names.includes(name as keyof typeof cluster)));
  const runnable = (argv: string[], env: Record<string, string>) => () => requireRunnable(config(argv, env));

  it('is enough as it is for one process, and in a cluster with the three addresses', () => {
    expect(runnable([], {})).not.toThrow();
    for (const role of ['lsb', 'gate', 'api', 'logic']) {
      expect(runnable(['--role', role], cluster), role).not.toThrow();
    }
    // A gate holds connections; it never touches the database.
    expect(runnable(['--role', 'gate'], without('FASTIM_STORE_URL'))).not.toThrow();
  });

  it('may stand in files', () => {
    const env = {
      FASTIM_REGISTRY_URL_FILE: file('registry-url', 'redis://127.0.0.1/0\n'),
      FASTIM_STORE_URL_FILE: file('store-url', 'postgres://127.0.0.1/fastim\n'),
      FASTIM_CLUSTER_SECRET_FILE: file('secret', `${secret}\n`),
      FASTIM_ADMIN_TOKEN_FILE: file('token', 'a token\n'),
    };
    const loaded = config(['--role', 'logic'], env);
    expect(() => requireRunnable(loaded)).not.toThrow();
    expect(loaded).toMatchObject({ cluster: { secret }, admin: { token: 'a token' } });
  });

  const bad: [what: string, argv: string[], env: Record<string, string>, message: RegExp][] = [
    ['no Redis', ['--role', 'gate'], without('FASTIM_REGISTRY_URL'), /^registry\.url: role gate needs/],
    ['no PostgreSQL for logic', ['--role', 'logic'], without('FASTIM_STORE_URL'), /^store\.url: role logic needs/],
    ['no PostgreSQL for api', ['--role', 'api'], without('FASTIM_STORE_URL'), /^store\.url: role api needs/],
    ['no PostgreSQL for lsb', ['--role', 'lsb'], without('FASTIM_STORE_URL'), /^store\.url: role lsb needs/],
    ['no secret', ['--role', 'lsb'], without('FASTIM_CLUSTER_SECRET'), /^cluster\.secret: .*32 characters/],
    [
      'a short secret, which is not shown',
      ['--role', 'lsb'],
      { ...cluster, FASTIM_CLUSTER_SECRET: 'hunter2' },
      /^cluster\.secret: (?!.*hunter2).*32 characters/,
    ],
    ['a database that would not be used', [], { FASTIM_STORE_URL: cluster.FASTIM_STORE_URL }, /^store\.url: role all /],
    ['a Redis that would not be used', [], { FASTIM_REGISTRY_URL: 'redis://a' }, /^registry\.url: role all /],
    ['a certificate without its key', ['--tls-cert-file', 'a.pem'], {}, /^tls\.keyFile: /],
    ['a key without its certificate', ['--tls-key-file', 'a.pem'], {}, /^tls\.certFile: /],
    [
      'inner TLS without its CA',
      ['--cluster-tls-cert-file', 'a', '--cluster-tls-key-file', 'b'],
      {},
      /^cluster\.tls\.caFile/,
    ],
    ['two parts on one port', ['--port', '9000', '--ws-port', '9000'], {}, /^--port and --ws-port are both 9000/],
    [
      'an inner port that is another one',
      ['--role', 'gate', '--tcp-port', '9000', '--cluster-inner-port', '9000'],
      cluster,
      /^--tcp-port and --cluster-inner-port are both 9000/,
    ],
    [
      'a gate on every address that nobody can name',
      ['--role', 'gate', '--host', '0.0.0.0'],
      cluster,
      /^advertise\.ws: /,
    ],
    [
      'an inner port on every address that nobody can name',
      ['--role', 'logic', '--cluster-inner-host', '::'],
      cluster,
      /^cluster\.advertiseInner: /,
    ],
  ];
  it.each(bad)('names %s', (_what, argv, env, message) => {
    expect(runnable(argv, env)).toThrow(ConfigError);
    expect(runnable(argv, env)).toThrow(message);
  });

  it('takes a port twice where only one of the two is used', () => {
    expect(runnable(['--role', 'api', '--port', '9000', '--tcp-port', '9000'], cluster)).not.toThrow();
  });
});

describe('the help', () => {
  it('has every option in one group', () => {
    const grouped = helpGroups.flatMap(({ names }) => names);
    expect(grouped.toSorted()).toEqual([...new Set(configKeys.map((key) => key.path[0] ?? ''))].toSorted());
  });

  it('shows no secret of the environment', () => {
    expect(loadConfig(['--help'], { FASTIM_CLUSTER_SECRET: 'hunter2' })).toEqual({ action: 'help' });
    for (const name of ['cluster-secret', 'admin-token', 'store-url', 'registry-url']) {
      expect(helpText()).toMatch(new RegExp(`--${name} +\\(none\\)`));
    }
  });
});
