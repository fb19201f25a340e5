import type { Logger } from 'pino';
import {
  type ClusterQuestion,
  type ClusterRegistry,
  type ClusterRoutes,
  type GateRecord,
  type LogicRecord,
  type NodeRecord,
  RegistryUnavailable,
} from '../registry/contract.ts';
import { connectionsAnswer, kickAnswer, type MessageAnswer, messageAnswer, userAnswer } from './answers.ts';

/** What an operator is told when it does not work. */
export class AdminError extends Error {
  readonly status: 400 | 404 | 409 | 503;
  readonly code: string;

  constructor(status: AdminError['status'], code: string, message: string) {
    super(message);
    this.name = 'AdminError';
    this.status = status;
    this.code = code;
  }
}

const ANSWER_MS = 3_000;
const MAX_WINDOW_MS = 24 * 3_600_000;

/** What admin needs of the registry. */
export interface AdminRegistry extends Pick<ClusterRegistry, 'directory' | 'bus'> {
  readonly routes: Pick<ClusterRoutes, 'page'>;
}

export interface ClusterAdminOptions {
  readonly registry: AdminRegistry;
  readonly logger: Logger;
}

/**
 * What an operator can see and do, from any node: what is known elsewhere is asked for over the bus. An answer that does
 * not come in time is named in `missing`; the rest is shown all the same.
 */
export class ClusterAdmin {
  readonly #options: ClusterAdminOptions;

  constructor(options: ClusterAdminOptions) {
    this.#options = options;
  }

  get #nodes(): readonly NodeRecord[] {
    return this.#options.registry.directory.nodes();
  }

  nodes(): { nodes: readonly NodeRecord[] } {
    return { nodes: this.#nodes.toSorted(byRoleAndName) };
  }

  gates(): { gates: readonly (GateRecord & { logicNodes: readonly string[] })[] } {
    const logic = this.#nodes.filter((node): node is LogicRecord => node.role === 'logic');
    return {
      gates: this.#gates().map((gate) => ({
        ...gate,
        logicNodes: logic.filter((node) => node.gates.includes(gate.nodeId)).map((node) => node.name),
      })),
    };
  }

  async connections(query: { user: string | null; gate: string | null; limit: number }) {
    const gate = query.gate === null ? null : this.#gate(query.gate);
    const userId = await this.#userId(query.user);
    const asked = gate ? [gate] : this.#gates();
    const question = { about: 'connections', userId, gateId: gate?.nodeId ?? null, limit: query.limit } as const;
    const answers = await this.#ask(question, asked);
    const connections = answers.flatMap(({ name, found }) => {
      const answer = connectionsAnswer.safeParse(found);
      if (!answer.success) return [];
      const { gateId } = answer.data;
      return answer.data.connections.map((connection) => ({ gateId, gate: name, ...connection }));
    });
    return {
      connections: connections.slice(0, query.limit),
      more: connections.length > query.limit,
      missing: missingOf(asked, answers),
    };
  }

  async routes(query: { user: string | null; gate: string | null; limit: number }) {
    const gateId = query.gate === null ? null : this.#gate(query.gate).nodeId;
    const userId = await this.#userId(query.user);
    const id = userId === null ? null : BigInt(userId);
    const found = await this.#options.registry.routes.page({ userId: id, gateId, limit: query.limit });
    const names = new Map(this.#nodes.map((node) => [node.nodeId, node.name]));
    return {
      routes: found.map(({ connection, identity, logicNodeId }) => ({
        userId: identity.userId.toString(),
        deviceId: identity.deviceId,
        sessionId: identity.sessionId.toString(),
        epoch: identity.epoch,
        gateId: connection.gateId,
        gate: names.get(connection.gateId) ?? null,
        connectionId: connection.connectionId,
        logicNodeId,
        logicNode: names.get(logicNodeId) ?? null,
      })),
    };
  }

  async drain(gate: string): Promise<{ ordered: 'drain'; gateId: string; gate: string; connections: number }> {
    const { nodeId, name, connections } = this.#gate(gate);
    await this.#options.registry.bus.publish({ type: 'drain-gate', gateId: nodeId });
    this.#options.logger.warn({ gateId: nodeId, gate: name }, 'an operator orders a gate to drain');
    return { ordered: 'drain', gateId: nodeId, gate: name, connections };
  }

  async reconnect(gate: string, windowMs: number) {
    if (!Number.isSafeInteger(windowMs) || windowMs < 0 || windowMs > MAX_WINDOW_MS) {
      throw new AdminError(400, 'BAD_WINDOW', 'the window is between 0 and 24 hours');
    }
    const { nodeId, name, connections } = this.#gate(gate);
    await this.#options.registry.bus.publish({ type: 'reconnect-gate', gateId: nodeId, windowMs });
    this.#options.logger.warn({ gateId: nodeId, gate: name, windowMs }, 'an operator orders clients to reconnect');
    return { ordered: 'reconnect', gateId: nodeId, gate: name, connections, windowMs };
  }

  async kick(user: string, deviceId: string | null) {
    const userId = await this.#userId(user);
    if (userId === null) throw new AdminError(400, 'USER_MISSING', 'name a user');
    const node = this.#storageNode();
    const [answer] = await this.#ask({ about: 'kick', nodeId: node.nodeId, userId, deviceId }, [node]);
    const result = kickAnswer.safeParse(answer?.found);
    if (!result.success) throw new AdminError(503, 'NO_ANSWER', `${node.name} did not answer; it may be tried again`);
    const { sessionIds, error } = result.data;
    if (error !== null) throw new AdminError(503, 'NOT_DONE', error);
    this.#options.logger.warn({ userId, sessions: sessionIds.length }, 'an operator ends sessions');
    return { userId, deviceId, sessionIds };
  }

  /** By msg_id, what is found names the request's logId, under which others know it: they are asked once more. */
  async trace(query: { logId: number | null; msgId: string | null }) {
    const everybody = this.#nodes;
    let answers = await this.#knownOf(query, everybody);
    if (query.msgId !== null) {
      const logIds = new Set(answers.flatMap(({ answer }) => answer.entries.map((entry) => entry.logId)));
      for (const logId of [...logIds].slice(0, 3)) {
        answers = [...answers, ...(await this.#knownOf({ logId, msgId: null }, everybody))];
      }
    }
    const seen = new Set<string>();
    const way: (MessageAnswer['entries'][number] & { node: string; role: string })[] = [];
    for (const { node, role, answer } of answers) {
      for (const entry of answer.entries) {
        if (query.msgId !== null && entry.msgId !== undefined && entry.msgId !== query.msgId) continue;
        const key = `${node}\n${JSON.stringify(entry)}`;
        if (seen.has(key)) continue;
        seen.add(key);
        way.push({ ...entry, node, role });
      }
    }
    way.sort((left, right) => left.atMs - right.atMs || placeOf(left.what) - placeOf(right.what));
    const stored = answers.find(({ answer }) => answer.stored !== null)?.answer.stored ?? null;
    const answered = new Set(answers.map(({ node }) => node));
    return { way, stored, missing: everybody.map((node) => node.name).filter((name) => !answered.has(name)) };
  }

  async intruders() {
    return { intruders: await this.#options.registry.directory.intruders() };
  }

  async #knownOf(query: { logId: number | null; msgId: string | null }, nodes: readonly NodeRecord[]) {
    const answers = await this.#ask({ about: 'message', ...query }, nodes);
    return answers.flatMap(({ name, role, found }) => {
      const answer = messageAnswer.safeParse(found);
      return answer.success ? [{ node: name, role, answer: answer.data }] : [];
    });
  }

  async #ask(question: ClusterQuestion, nodes: readonly NodeRecord[]) {
    return this.#options.registry.bus.ask(question, nodes.length, ANSWER_MS);
  }

  #gates(): readonly GateRecord[] {
    return this.#nodes.filter((node): node is GateRecord => node.role === 'gate').toSorted(byRoleAndName);
  }

  /** By its id, or by its name where only one has it. */
  #gate(given: string): GateRecord {
    const gates = this.#gates();
    const byId = gates.find((gate) => gate.nodeId === given);
    if (byId) return byId;
    const byName = gates.filter((gate) => gate.name === given);
    if (byName.length > 1) {
      throw new AdminError(
        409,
        'AMBIGUOUS',
        `several gates are named ${given}: say ${list(byName.map((g) => g.nodeId))}`,
      );
    }
    const [gate] = byName;
    if (!gate)
      throw new AdminError(404, 'NO_SUCH_GATE', `there is no gate ${given}: ${list(gates.map((g) => g.name))}`);
    return gate;
  }

  /** A user id, or a name that a node with a storage looks up. */
  async #userId(user: string | null): Promise<string | null> {
    if (user === null || /^\d{1,19}$/.test(user)) return user;
    const node = this.#storageNode();
    const [answer] = await this.#ask({ about: 'user', nodeId: node.nodeId, username: user }, [node]);
    const result = userAnswer.safeParse(answer?.found);
    if (!result.success) throw new AdminError(503, 'NO_ANSWER', `${node.name} did not answer; it may be tried again`);
    if (result.data.userId === null) throw new AdminError(404, 'NO_SUCH_USER', `there is no user ${user}`);
    return result.data.userId;
  }

  #storageNode(): NodeRecord {
    const node = this.#nodes.find(({ role }) => role === 'logic') ?? this.#nodes.find(({ role }) => role === 'api');
    if (!node) throw new AdminError(503, 'NO_LOGIC', 'no logic or API node is there');
    return node;
  }
}

/** What went wrong, for the operator; undefined: it is a bug. */
export function adminErrorOf(error: unknown): AdminError | undefined {
  if (error instanceof AdminError) return error;
  if (error instanceof RegistryUnavailable) {
    return new AdminError(503, 'REGISTRY_UNAVAILABLE', 'the registry (Redis) cannot be reached now');
  }
  return undefined;
}

/** In the order in which they happen: several fall into one ms. */
const steps = [
  'forwarded',
  'accepted',
  'refused',
  'unchanged',
  'repeated',
  'stored',
  'to gate',
  'to group',
  'answered',
  'to clients',
];

function placeOf(what: string): number {
  return steps.indexOf(what);
}

function missingOf(nodes: readonly NodeRecord[], answers: ReadonlyArray<{ nodeId: string }>): string[] {
  const answered = new Set(answers.map((answer) => answer.nodeId));
  return nodes.filter((node) => !answered.has(node.nodeId)).map((node) => node.name);
}

function byRoleAndName(left: NodeRecord, right: NodeRecord): number {
  return left.role.localeCompare(right.role) || left.name.localeCompare(right.name);
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none is there' : names.join(', ');
}
