import { type LocalCluster, startLocalCluster } from '@fastim/server/local-cluster';
import { type Address, ChaosProxy } from '../chaos/chaos-proxy.ts';
import { freePorts } from '../fixtures/server.ts';

/**
 * Between clients and gates (TCP, which the SDK takes where it can; WebSocket), between logic nodes and gates (and each
 * other), before the stores, before the API.
 */
export type ProxyPlace = 'client' | 'websocket' | 'inner' | 'store' | 'front';

export interface PlacedProxy {
  /** "gate-1 client", "logic-2 inner", "postgres", "front". */
  readonly name: string;
  readonly place: ProxyPlace;
  readonly proxy: ChaosProxy;
}

export interface ProxiedClusterOptions {
  readonly directory: string;
  readonly lsbs: number;
  readonly gates: number;
  readonly apis: number;
  readonly logics: number;
  readonly environment?: (member: string) => Readonly<Record<string, string>>;
  readonly say?: (line: string) => void;
  readonly random: () => number;
}

/** A local cluster in which every connection between processes, and of clients, goes through a chaos proxy. */
export class ProxiedCluster {
  readonly cluster: LocalCluster;
  readonly proxies: readonly PlacedProxy[];
  /** What clients are given: one address before all API nodes, as a load balancer has it. */
  readonly serverUrl: string;

  private constructor(cluster: LocalCluster, proxies: readonly PlacedProxy[], front: ChaosProxy) {
    this.cluster = cluster;
    this.proxies = proxies;
    this.serverUrl = `http://127.0.0.1:${front.address.port}`;
  }

  static async start(options: ProxiedClusterOptions): Promise<ProxiedCluster> {
    const { random, environment, ...sizes } = options;
    const proxies: PlacedProxy[] = [];
    const place = async (name: string, where: ProxyPlace, targets: () => readonly Address[]) => {
      const proxy = await ChaosProxy.start({ targets, random });
      proxies.push({ name, place: where, proxy });
      return proxy;
    };
    // Chosen here, so that the proxies know them before anything runs.
    const free = await freePorts(options.gates * 3 + options.logics + options.apis);
    const listening = () => {
      const port = free.pop() ?? 0;
      return { port, targets: () => [{ host: '127.0.0.1', port }] };
    };
    const variables = new Map<string, Record<string, string>>();
    for (let index = 1; index <= options.gates; index += 1) {
      const name = `gate-${index}`;
      const [tcp, ws, inner] = [listening(), listening(), listening()];
      const [tcpProxy, wsProxy, innerProxy] = [
        await place(`${name} client`, 'client', tcp.targets),
        await place(`${name} websocket`, 'websocket', ws.targets),
        await place(`${name} inner`, 'inner', inner.targets),
      ];
      variables.set(name, {
        FASTIM_TCP_PORT: String(tcp.port),
        FASTIM_WS_PORT: String(ws.port),
        FASTIM_CLUSTER_INNER_PORT: String(inner.port),
        FASTIM_ADVERTISE_TCP: `127.0.0.1:${tcpProxy.address.port}`,
        FASTIM_ADVERTISE_WS: `ws://127.0.0.1:${wsProxy.address.port}`,
        FASTIM_CLUSTER_ADVERTISE_INNER: `127.0.0.1:${innerProxy.address.port}`,
      });
    }
    for (let index = 1; index <= options.logics; index += 1) {
      const name = `logic-${index}`;
      const inner = listening();
      const proxy = await place(`${name} inner`, 'inner', inner.targets);
      variables.set(name, {
        FASTIM_CLUSTER_INNER_PORT: String(inner.port),
        FASTIM_CLUSTER_ADVERTISE_INNER: `127.0.0.1:${proxy.address.port}`,
      });
    }
    const apis: Address[] = [];
    for (let index = 1; index <= options.apis; index += 1) {
      const { port, targets } = listening();
      apis.push(...targets());
      variables.set(`api-${index}`, { FASTIM_PORT: String(port) });
    }
    const storePorts = new Map<string, number>();
    const storeAt = (store: string) => () => [{ host: '127.0.0.1', port: storePorts.get(store) ?? 0 }];
    const stores = {
      postgres: await place('postgres', 'store', storeAt('postgres')),
      redis: await place('redis', 'store', storeAt('redis')),
    };
    const front = await place('front', 'front', () => apis);
    try {
      const cluster = await startLocalCluster({
        ...sizes,
        environment: (member) => ({ ...variables.get(member), ...environment?.(member) }),
        storesAt: (store, port) => {
          storePorts.set(store, port);
          return stores[store].address.port;
        },
      });
      return new ProxiedCluster(cluster, proxies, front);
    } catch (error) {
      await Promise.all(proxies.map(({ proxy }) => proxy.stop()));
      throw error;
    }
  }

  proxy(name: string): ChaosProxy {
    const found = this.proxies.find((placed) => placed.name === name);
    if (!found) throw new Error(`no proxy ${name}: ${this.proxies.map((placed) => placed.name).join(', ')}`);
    return found.proxy;
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    for (const { proxy } of this.proxies) proxy.heal();
    await this.cluster.stop();
    await Promise.all(this.proxies.map(({ proxy }) => proxy.stop()));
  }
}
