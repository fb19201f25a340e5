/**
 * The layering rule as data. A file belongs to the zone with the longest matching path. A zone may import itself, the
 * zones it names, and the outside packages it names; everything else is a violation.
 */
export interface Zone {
  readonly name: string;
  /** A folder ("a/b/") or one file ("a/b.ts"), from the root of the repository. */
  readonly path: string;
  /** The rule in words; printed with each violation. */
  readonly rule: string;
  readonly zones: readonly string[];
  /** Zones of which only types may be imported. */
  readonly types?: readonly string[];
  /** Folders of other packages that the zone may reach into, though they have no public export. */
  readonly inside?: readonly string[];
  /** Packages from outside ("zod", "node:net"); "node:*" is all of Node, "*" everything. */
  readonly packages: readonly string[];
  /** Exceptions to `packages`. */
  readonly notPackages?: readonly string[];
  /** Names of the surroundings that the zone does without. */
  readonly notGlobals?: readonly string[];
}

/** What makes an outcome depend on the moment it happens at. (`performance` only measures, for metrics.) */
const clockAndRandomness = ['Date.now', 'new Date()', 'Math.random', 'crypto'];
const timers = ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'];
const surroundings = [
  ...clockAndRandomness,
  ...timers,
  'performance',
  'setImmediate',
  'process',
  'Buffer',
  'fetch',
  'WebSocket',
  'localStorage',
  'window',
  'document',
];
const sockets = ['node:net', 'node:http', 'node:https', 'node:http2', 'node:tls', 'node:dgram', 'ws', 'fastify'];
const drivers = ['better-sqlite3', 'pg', 'ioredis'];
const server = 'apps/server/src/';
const desktop = 'apps/desktop/src/';

export const zones: readonly Zone[] = [
  {
    name: 'protocol',
    path: 'packages/protocol/src/',
    rule: 'protocol is bytes only: it imports nothing of core or the apps, no Node, and has no clock and no timer',
    zones: [],
    packages: ['long', 'protobufjs'],
    notGlobals: surroundings,
  },
  {
    name: 'core',
    path: 'packages/core/src/',
    rule: 'core is deterministic: no imports, no Node, no sockets; time, timers and randomness are arguments',
    zones: [],
    packages: [],
    notGlobals: surroundings,
  },
  {
    name: 'core/testing',
    path: 'packages/core/src/testing/',
    rule: 'the testing part of core is as deterministic as core and knows nothing else',
    zones: ['core'],
    packages: [],
    notGlobals: surroundings,
  },

  {
    name: 'engine',
    path: `${desktop}engine/`,
    rule: 'engine is platform-neutral: only core, protocol and its own ports; no Node, no clock, timer or randomness of its own',
    zones: ['core', 'protocol'],
    packages: [],
    notGlobals: surroundings,
  },
  {
    name: 'bridge',
    path: `${desktop}bridge/`,
    rule: 'bridge is the contract between engine and interface and runs on both sides: types of engine and zod only, no Node, no Electron',
    zones: [],
    types: ['engine'],
    packages: ['zod'],
    notGlobals: ['process', 'Buffer'],
  },
  {
    name: 'bridge server',
    path: `${desktop}bridge/bridge-server.ts`,
    rule: 'the engine side of the bridge knows the client as its interface and the error catalogue; no Node, no Electron',
    zones: ['bridge', 'protocol'],
    types: ['engine'],
    packages: [],
    notGlobals: ['process', 'Buffer'],
  },
  {
    name: 'platform',
    path: `${desktop}platform/`,
    rule: 'platform implements the ports of engine on Node: engine, core, protocol and Node, nothing of the interface',
    zones: ['engine', 'core', 'protocol'],
    packages: ['*'],
    notPackages: ['electron', 'react', 'fastify'],
  },
  {
    name: 'sdk',
    path: `${desktop}sdk/`,
    rule: 'sdk is engine and platform for programs: nothing of the interface, no Electron',
    zones: ['engine', 'platform', 'core', 'protocol'],
    packages: ['node:*'],
  },
  {
    name: 'headless',
    path: `${desktop}headless/`,
    rule: 'headless puts engine, platform and bridge together in plain Node, without Electron',
    zones: ['engine', 'platform', 'bridge', 'bridge server', 'core', 'protocol'],
    packages: ['*'],
    notPackages: ['electron', 'react'],
  },
  {
    name: 'main',
    path: `${desktop}main/`,
    rule: 'main puts engine, platform and bridge together in Electron; it knows nothing of the renderer',
    zones: ['engine', 'platform', 'bridge', 'bridge server', 'core', 'protocol'],
    packages: ['*'],
    notPackages: ['react'],
  },
  {
    name: 'preload',
    path: `${desktop}preload/`,
    rule: 'preload hands over one port: Electron and types of bridge, nothing else of ours',
    zones: [],
    types: ['bridge'],
    packages: ['electron'],
  },
  {
    name: 'renderer',
    path: `${desktop}renderer/`,
    rule: 'renderer is a web page that knows only bridge: no Node, no Electron, no engine, no packages of ours',
    zones: ['bridge'],
    packages: ['*'],
    notPackages: ['node:*', 'electron', 'ws', 'pino', ...drivers],
    notGlobals: ['process', 'Buffer'],
  },
  {
    name: 'renderer build',
    path: `${desktop}renderer/vite.config.ts`,
    rule: 'the build configuration of the renderer imports build tools and the design of the renderer',
    zones: ['renderer'],
    packages: ['*'],
  },

  {
    name: 'server entry',
    path: server,
    rule: 'files beside the folders of the server (entry, command line) start roles and read configuration, nothing else',
    zones: ['roles', 'server config', 'observe', 'core', 'public tls', 'storage contracts'],
    packages: ['*'],
    notPackages: [...sockets, ...drivers],
  },
  {
    name: 'server config',
    path: `${server}config.ts`,
    rule: 'the configuration schema depends on nothing of ours',
    zones: [],
    packages: ['zod', 'node:net'],
  },
  {
    name: 'roles',
    path: `${server}roles/`,
    rule: 'roles put the parts together; they are the only place that knows concrete drivers',
    zones: [
      'server config',
      'api',
      'auth',
      'cluster',
      'cluster contract',
      'core',
      'gate',
      'logic',
      'logic ports',
      'admin',
      'lsb',
      'move',
      'net',
      'observe',
      'postgres',
      'protocol',
      'public tls',
      'redis registry',
      'registry contract',
      'routing',
      'sqlite',
      'storage contracts',
    ],
    packages: ['*'],
  },
  {
    name: 'registry contract',
    path: `${server}registry/contract.ts`,
    rule: 'what the processes of a cluster tell each other is plain data: core, protocol, the cluster contract and the shape of a route table',
    zones: ['core', 'protocol', 'cluster contract', 'routing'],
    packages: [],
    notGlobals: surroundings,
  },
  {
    name: 'redis registry',
    path: `${server}registry/`,
    rule: 'the registry knows its contract and Redis, nothing of the rest of the server',
    zones: ['core', 'protocol', 'cluster contract', 'registry contract', 'routing', 'observe', 'server config'],
    packages: ['*'],
    notPackages: ['better-sqlite3', 'pg', 'fastify', 'ws'],
  },
  {
    name: 'admin',
    path: `${server}admin/`,
    rule: 'admin shows and orders through the registry, the storage contracts and ports of its own; no gate, logic or driver',
    zones: [
      'core',
      'protocol',
      'cluster contract',
      'registry contract',
      'routing',
      'storage contracts',
      'observe',
      'net',
      'server config',
    ],
    packages: ['*'],
    notPackages: drivers,
  },
  {
    name: 'local cluster',
    path: `${server}local-cluster/`,
    rule: 'a local cluster is processes, started by their command lines: it imports nothing of the server',
    zones: ['core'],
    packages: ['*'],
  },
  {
    name: 'observe',
    path: `${server}observe/`,
    rule: 'observe (logs, metrics) is used by all parts and uses none of them',
    zones: ['server config', 'core'],
    packages: ['*'],
    notPackages: drivers,
  },
  {
    name: 'net',
    path: `${server}net/`,
    rule: 'net reads the addresses of peers: text in, text out; it opens nothing and knows nothing of ours',
    zones: [],
    packages: ['node:net'],
    notGlobals: surroundings,
  },
  {
    name: 'public tls',
    path: `${server}tls/`,
    rule: 'tls makes the sockets of public ports secure; it knows no protocol of ours',
    zones: ['core', 'observe'],
    packages: ['node:*', 'prom-client'],
  },
  {
    name: 'cluster contract',
    path: `${server}cluster/contract.ts`,
    rule: 'the contract between gates and logic is plain data: core and protocol only',
    zones: ['core', 'protocol'],
    packages: [],
    notGlobals: surroundings,
  },
  {
    name: 'cluster',
    path: `${server}cluster/`,
    rule: 'cluster carries packets between parts that it does not know: its own contract, core, protocol',
    zones: [
      'cluster contract',
      'core',
      'protocol',
      'observe',
      'registry contract',
      'server config',
      'storage contracts',
    ],
    packages: ['*'],
    notPackages: ['fastify', 'ws', ...drivers],
  },
  {
    name: 'gate',
    path: `${server}gate/`,
    rule: 'gate holds connections and calls logic only through the cluster contract; it knows no logic, routing, storage or api',
    zones: ['cluster contract', 'core', 'net', 'protocol', 'observe', 'public tls', 'server config'],
    packages: ['*'],
    notPackages: ['fastify', ...drivers],
    notGlobals: [...clockAndRandomness, ...timers],
  },
  {
    name: 'lsb',
    path: `${server}lsb/`,
    rule: 'lsb chooses gates from what they report; it knows no gate, logic, storage or api',
    zones: ['cluster contract', 'core', 'protocol', 'observe', 'registry contract', 'server config'],
    packages: ['*'],
    notPackages: drivers,
    notGlobals: [...clockAndRandomness.filter((name) => name !== 'crypto'), ...timers],
  },
  {
    name: 'auth',
    path: `${server}auth/`,
    rule: 'auth knows storage contracts and the port it fills for logic; no api, gate, logic or driver',
    zones: [
      'cluster contract',
      'core',
      'net',
      'protocol',
      'storage contracts',
      'logic ports',
      'observe',
      'server config',
    ],
    packages: ['*'],
    notPackages: [...sockets, ...drivers],
  },
  {
    name: 'api',
    path: `${server}api/`,
    rule: 'api calls logic only through the cluster contract; it knows no gate, routing or driver',
    zones: [
      'auth',
      'cluster contract',
      'core',
      'logic ports',
      'lsb',
      'net',
      'observe',
      'protocol',
      'public tls',
      'registry contract',
      'server config',
      'storage contracts',
    ],
    packages: ['*'],
    notPackages: drivers,
  },
  {
    name: 'logic ports',
    path: `${server}logic/access-verifier.ts`,
    rule: 'what logic asks others to implement is an interface: types of the cluster contract, core and protocol only',
    zones: ['cluster contract', 'core', 'protocol'],
    packages: [],
  },
  {
    name: 'logic',
    path: `${server}logic/`,
    rule: 'logic is the rules: storage contracts, routing and the cluster contract; no sockets, no driver, no gate or api, no clock or timer of its own',
    zones: [
      'cluster contract',
      'core',
      'logic ports',
      'observe',
      'protocol',
      'routing',
      'server config',
      'storage contracts',
    ],
    packages: ['*'],
    notPackages: [...sockets, ...drivers],
    notGlobals: [...clockAndRandomness, ...timers],
  },
  {
    name: 'routing',
    path: `${server}routing/`,
    rule: 'routing is the way from logic to gates through the cluster contract; no logic, storage, sockets or gate',
    zones: ['cluster contract', 'core', 'protocol', 'observe', 'server config'],
    packages: ['*'],
    notPackages: [...sockets, ...drivers],
    notGlobals: [...clockAndRandomness, ...timers],
  },
  {
    name: 'storage contracts',
    path: `${server}storage/`,
    rule: 'storage contracts say what is promised, not how: core and protocol only, no driver',
    zones: ['core', 'protocol'],
    packages: [],
    notGlobals: surroundings,
  },
  {
    name: 'storage contract suite',
    path: `${server}storage/contract-suite/`,
    rule: 'the suite that runs on every driver knows the contracts only',
    zones: ['core', 'core/testing', 'protocol', 'storage contracts'],
    packages: ['vitest', 'fast-check', 'node:*'],
  },
  {
    name: 'postgres',
    path: `${server}storage/postgres/`,
    rule: 'a driver knows the storage contracts and its database, nothing of the rest of the server',
    zones: ['core', 'protocol', 'storage contracts', 'observe', 'server config'],
    packages: ['*'],
    notPackages: ['better-sqlite3', 'ioredis', 'fastify', 'ws'],
  },
  {
    name: 'move',
    path: `${server}storage/move/`,
    rule: 'moving a store reads one driver and writes another',
    zones: ['core', 'protocol', 'storage contracts', 'observe', 'server config', 'sqlite', 'postgres'],
    packages: ['*'],
    notPackages: sockets,
  },
  {
    name: 'sqlite',
    path: `${server}storage/sqlite/`,
    rule: 'a driver knows the storage contracts and its database, nothing of the rest of the server',
    zones: ['core', 'protocol', 'storage contracts', 'observe', 'server config'],
    packages: ['*'],
    notPackages: sockets,
  },

  {
    name: 'e2e',
    path: 'e2e/',
    rule: 'end-to-end tests and the bench see the system from outside: public exports, and the bridge as the page uses it',
    zones: ['core', 'core/testing', 'protocol', 'server config', 'local cluster', 'bridge', 'sdk', 'bench people'],
    inside: [`${desktop}bridge/`],
    packages: ['*'],
  },
  {
    name: 'simulator',
    path: 'e2e/simulator/',
    rule: 'the simulator puts the real parts of both sides together on virtual time: no sockets, no drivers, no clock, timer or randomness of the machine',
    zones: [
      'api',
      'auth',
      'cluster',
      'cluster contract',
      'core',
      'core/testing',
      'engine',
      'gate',
      'logic',
      'lsb',
      'net',
      'protocol',
      'roles',
      'routing',
      'server config',
      'storage contracts',
    ],
    inside: [`${server}`, `${desktop}engine/`],
    packages: ['pino', 'prom-client', 'node:child_process', 'node:os', 'node:url', 'node:util', 'node:v8'],
    notGlobals: [...clockAndRandomness, ...timers],
  },
  {
    name: 'bench people',
    path: 'e2e/bench/prepare-people.ts',
    rule: 'puts users into the data folder before the server starts: through the contract of its storage, nothing else',
    zones: ['core', 'protocol', 'sqlite', 'storage contracts'],
    inside: [`${server}storage/`],
    packages: ['node:*', 'pino'],
  },
  {
    name: 'scripts',
    path: 'scripts/',
    rule: 'scripts use public exports of packages, and drive the app through the bridge as its page does',
    zones: ['core', 'core/testing', 'protocol', 'server config', 'local cluster', 'bridge'],
    inside: [`${desktop}bridge/`],
    packages: ['*'],
  },
];

/**
 * Test files and `testing` folders may use all of their own app or package, public exports of the others, the helper
 * for randomised tests, and any outside package. Only they may use a `testing` folder.
 */
export const testRule = 'tests use their own app or package, and public exports of others';
export const testingRule = 'a testing folder is for tests: code that ships does not import it';
export const deepRule = 'nobody reaches into another package: use what its "exports" offer';
export const nowhereRule = 'every source file belongs to a zone of scripts/layers/zones.ts';
