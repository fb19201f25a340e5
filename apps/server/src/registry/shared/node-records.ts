import { z } from 'zod';
import type { ClusterAnswer, ClusterEvent, Intruder, NodeRecord } from '../contract.ts';

const text = z.string().max(1_024);
const name = z.string().max(256);
const count = z.number().int().min(0);
const hostPort = z.object({ host: text, port: z.number().int().min(0).max(65_535) });

const base = {
  nodeId: z.string().min(1).max(256),
  name,
  version: name,
  clusterVersion: count,
  pid: count,
  startedMs: z.number(),
  clockMs: z.number(),
  metrics: hostPort,
};

const grayRule = z.object({
  percentage: z.number().min(0).max(100).optional(),
  userIds: z.array(name).optional(),
  version: text.optional(),
});

// Unknown keys are dropped, not refused: during a rolling upgrade newer nodes say more.
const nodeRecord = z.discriminatedUnion('role', [
  z.object({
    ...base,
    role: z.literal('gate'),
    inner: hostPort,
    tcp: hostPort.nullable(),
    websocket: text.nullable(),
    appIds: z.array(name).max(1_000),
    channels: z.array(z.enum(['single', 'group'])),
    grayRules: z.array(grayRule).max(1_000),
    connections: count,
    capacity: count,
    accepting: z.boolean(),
  }),
  z.object({
    ...base,
    role: z.literal('logic'),
    number: z.number().int().min(-1).max(1_023),
    inner: hostPort,
    routes: count,
    gates: z.array(name).max(10_000),
  }),
  z.object({ ...base, role: z.literal('lsb'), url: text }),
  z.object({ ...base, role: z.literal('api'), url: text }),
]);

const intruder = z.object({ atMs: z.number(), by: name, from: text, reason: text });

const question = z.discriminatedUnion('about', [
  z.object({
    about: z.literal('connections'),
    userId: name.nullable(),
    gateId: name.nullable(),
    limit: count,
  }),
  z.object({ about: z.literal('message'), logId: count.nullable(), msgId: name.nullable() }),
  z.object({ about: z.literal('user'), nodeId: name, username: name }),
  z.object({ about: z.literal('kick'), nodeId: name, userId: name, deviceId: name.nullable() }),
]);

const clusterEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('end-session'), sessionId: z.string().regex(/^\d{1,20}$/), closeCode: count }),
  z.object({ type: z.literal('show-online'), userId: z.string().regex(/^\d{1,20}$/) }),
  z.object({ type: z.literal('drain-gate'), gateId: name }),
  z.object({ type: z.literal('reconnect-gate'), gateId: name, windowMs: count }),
  z.object({ type: z.literal('ask'), askId: name, question }),
]);

const reply = z.object({
  askId: name,
  answer: z.object({
    nodeId: name,
    name,
    role: z.enum(['lsb', 'gate', 'api', 'logic']),
    found: z.unknown(),
  }),
});

/** What somebody else wrote, or undefined when it is not that: the registry is shared, and its contents are input. */
export function readNodeRecord(json: string): NodeRecord | undefined {
  return read(nodeRecord, json) as NodeRecord | undefined;
}

export function readIntruder(json: string): Intruder | undefined {
  return read(intruder, json);
}

export function readClusterEvent(json: string): ClusterEvent | undefined {
  return read(clusterEvent, json);
}

export function readReply(json: string): { askId: string; answer: ClusterAnswer } | undefined {
  return read(reply, json) as { askId: string; answer: ClusterAnswer } | undefined;
}

/** The same for records that differ only in what changes all the time. */
export function standingOf(record: NodeRecord): string {
  return JSON.stringify({ ...record, clockMs: 0, connections: 0, routes: 0, gates: 0 });
}

function read<T>(schema: z.ZodType<T>, json: string): T | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  const result = schema.safeParse(value);
  return result.success ? result.data : undefined;
}
