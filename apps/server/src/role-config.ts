import type { Config } from './config.ts';

/** Shorter ones can be guessed by trying. */
const SECRET_LENGTH = 32;

type Problem = string | undefined;

/**
 * What a role needs besides values that are allowed by themselves; one line that names the key, or undefined when the
 * server can run like this.
 */
export function roleProblem(config: Config): Problem {
  return (
    pairs(config) ??
    (config.role === 'all' ? noClusterKeys(config) : clusterKeys(config)) ??
    reachable(config) ??
    distinctPorts(config)
  );
}

function pairs({ tls, cluster }: Config): Problem {
  if (tls.certFile && !tls.keyFile) return 'tls.keyFile: has to be set with tls.certFile';
  if (tls.keyFile && !tls.certFile) return 'tls.certFile: has to be set with tls.keyFile';
  const inner = Object.entries(cluster.tls);
  const missing = inner.find(([, file]) => file === '');
  if (missing && inner.some(([, file]) => file !== '')) {
    return `cluster.tls.${missing[0]}: certFile, keyFile and caFile are set together or not at all`;
  }
  return undefined;
}

/** What would be left unused without a word. */
function noClusterKeys({ store, registry }: Config): Problem {
  const [key] = [store.url && 'store.url', registry.url && 'registry.url'].filter(Boolean);
  if (!key) return undefined;
  return `${key}: role all keeps everything in its data folder; choose one of the roles lsb, gate, api, logic (role)`;
}

function clusterKeys({ role, store, registry, cluster }: Config): Problem {
  if (!registry.url) return `registry.url: role ${role} needs the address of Redis`;
  if (!store.url && role !== 'gate') return `store.url: role ${role} needs the address of PostgreSQL`;
  if (cluster.secret.length < SECRET_LENGTH) {
    return `cluster.secret: role ${role} needs one of at least ${SECRET_LENGTH} characters, the same for the whole cluster`;
  }
  return undefined;
}

/** Listening everywhere, a process cannot know the name under which others reach it. */
function reachable({ role, host, advertise, tls, cluster }: Config): Problem {
  if (role === 'gate' && isWildcard(host)) {
    if (!advertise.ws) return `advertise.ws: has to say how clients reach this gate, since it listens on ${host}`;
    if (!advertise.tcp && !tls.certFile) {
      return `advertise.tcp: has to say how clients reach this gate, since it listens on ${host}`;
    }
  }
  if ((role === 'gate' || role === 'logic') && isWildcard(cluster.innerHost) && !cluster.advertiseInner) {
    return `cluster.advertiseInner: has to say how the others reach this process, since cluster.innerHost is ${cluster.innerHost}`;
  }
  return undefined;
}

function distinctPorts(config: Config): Problem {
  const { role } = config;
  const http = role === 'all' || role === 'api' || role === 'lsb';
  const gate = role === 'all' || role === 'gate';
  const inner = role === 'gate' || role === 'logic';
  const used: [option: string, port: number][] = [
    ...(http ? [['--port', config.port] satisfies [string, number]] : []),
    ...(gate ? [['--tcp-port', config.tcpPort] satisfies [string, number]] : []),
    ...(gate ? [['--ws-port', config.wsPort] satisfies [string, number]] : []),
    ['--metrics-port', config.metricsPort],
    ...(inner ? [['--cluster-inner-port', config.cluster.innerPort] satisfies [string, number]] : []),
    ...(http ? [['--app-bridge-port', config.app.bridgePort] satisfies [string, number]] : []),
  ];
  for (const [index, [name, port]] of used.entries()) {
    const clash = used.slice(0, index).find(([, earlier]) => earlier === port && port !== 0);
    if (clash) return `${clash[0]} and ${name} are both ${port}: each needs its own port`;
  }
  return undefined;
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
