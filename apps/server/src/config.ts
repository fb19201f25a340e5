import { isIP } from 'node:net';
import { z } from 'zod';

const port = z.number().int().min(0).max(65_535);
const ms = z.number().int().min(1);
const count = z.number().int().min(1);
const hostAndPort = z
  .string()
  .refine((text) => text === '' || isHostAndPort(text))
  .describe('an address like chat.example.org:8601');
const webSocketUrl = z
  .string()
  .refine((text) => text === '' || /^wss?:$/.test(urlOf(text)?.protocol ?? ''))
  .describe('an address like wss://chat.example.org/ws');
const origin = z
  .string()
  .refine((text) => /^https?:$/.test(urlOf(text)?.protocol ?? '') && urlOf(text)?.origin === text)
  .describe('origins like https://chat.example.org');
const postgresUrl = z
  .string()
  .refine((text) => text === '' || /^postgres(ql)?:$/.test(urlOf(text)?.protocol ?? ''))
  .describe('an address like postgres://fastim:secret@db.example.org/fastim');
const redisUrl = z
  .string()
  .refine((text) => text === '' || /^rediss?:$/.test(urlOf(text)?.protocol ?? ''))
  .describe('an address like redis://:secret@redis.example.org:6379/0');
const network = z.string().refine(isNetwork).describe('addresses or networks like 10.0.0.0/8');

/** The one schema of the server's configuration: validated once at start, passed down frozen. Times in ms. */
export const configSchema = z.strictObject({
  /** all: every role in one process, on SQLite. The others: one role of a cluster, on PostgreSQL and Redis. */
  role: z.enum(['all', 'lsb', 'gate', 'api', 'logic']).default('all'),
  /** The data folder; nothing is written outside it. */
  data: z.string().min(1).default('.fastim'),
  host: z.string().min(1).default('127.0.0.1'),
  /** HTTP API, browser app, LSB. 0: any free port, for each of them. */
  port: port.default(8600),
  tcpPort: port.default(8601),
  wsPort: port.default(8602),
  metricsPort: port.default(8603),
  /** Where metrics, health and the admin interface answer. */
  metricsHost: z.string().min(1).default('127.0.0.1'),
  name: z.string().min(1).max(64).default('FastIM'),
  /** Certificate chain and key in PEM files; then every public port speaks TLS only. SIGHUP reads them again. */
  tls: z.strictObject({ certFile: z.string().default(''), keyFile: z.string().default('') }).prefault({}),
  /** The database of a cluster. */
  store: z
    .strictObject({
      url: postgresUrl.default(''),
      /** Connections of this process; one of a logic node's only appends. */
      poolSize: z.number().int().min(2).default(8),
      /** A statement that takes longer is given up. */
      statementTimeoutMs: ms.default(10_000),
    })
    .prefault({}),
  /** Where the processes of a cluster find each other. */
  registry: z
    .strictObject({
      url: redisUrl.default(''),
      /** In front of every key. */
      prefix: z.string().min(1).max(64).default('fastim'),
      reportMs: ms.default(3_000),
      nodeExpiryMs: ms.default(10_000),
      /** How long a node number stays good while the registry cannot be reached. */
      numberGraceMs: ms.default(15 * 60_000),
    })
    .prefault({}),
  cluster: z
    .strictObject({
      /** Of this process, as the operator knows it; empty: role and host name. */
      nodeName: z.string().max(64).default(''),
      /** The same for every process of a cluster: links are refused without it, and gate tickets are signed with it. */
      secret: z.string().max(1_024).default(''),
      /** The inner port: logic nodes dial those of gates and of each other. */
      innerHost: z.string().min(1).default('127.0.0.1'),
      innerPort: port.default(0),
      /** How the others reach it, when not where it listens. Of an LSB: its HTTP port. */
      advertiseInner: hostAndPort.default(''),
      /** A process whose clock is further off is refused. */
      maxClockSkewMs: ms.default(5_000),
      /** Nothing heard for so long: the link is dead. */
      linkSilenceMs: ms.default(5_000),
      /** Certificate, key and the CA that signed those of the others; then inner links speak TLS only. */
      tls: z
        .strictObject({
          certFile: z.string().default(''),
          keyFile: z.string().default(''),
          caFile: z.string().default(''),
        })
        .prefault({}),
    })
    .prefault({}),
  lsb: z
    .strictObject({
      /** Clients let in at once and after it each second, over all LSBs together; more get a delay. */
      admissionsPerSecond: count.default(500),
      admissionBurst: count.default(1_000),
      /** A client that was sent to a gate counts there for so long, or until it arrives. */
      reservationMs: ms.default(10_000),
    })
    .prefault({}),
  admin: z
    .strictObject({
      /** What `npm run admin` shows to be let in; empty: made and kept in the data folder (one process), or the cluster's secret. */
      token: z.string().max(1_024).default(''),
    })
    .prefault({}),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  /** Where the log goes; empty: standard error. */
  logFile: z.string().default(''),
  /** How clients reach the gate when it is not where it listens (behind a proxy or NAT). Empty: the listen address. */
  advertise: z.strictObject({ tcp: hostAndPort.default(''), ws: webSocketUrl.default('') }).prefault({}),
  /** The browser app served beside the API: its files, and the loopback port of the host that runs its engines. */
  app: z.strictObject({ directory: z.string().default(''), bridgePort: port.default(0) }).prefault({}),
  /** Origins that may use the HTTP API and the WebSocket listener from a browser, besides the server's own. */
  allowedOrigins: z.array(origin).default([]),
  /** Reverse proxies whose X-Forwarded-For, -Host and -Proto are believed. */
  trustedProxies: z.array(network).default([]),
  api: z
    .strictObject({
      requestsPerSecondPerAddress: count.default(100),
      requestsBurstPerAddress: count.default(1_000),
      /** From the first byte of a request's headers to the last one of its headers, and to the last one of its body. */
      headersTimeoutMs: ms.default(10_000),
      requestTimeoutMs: ms.default(20_000),
      keepAliveMs: ms.default(72_000),
    })
    .prefault({}),
  gate: z
    .strictObject({
      firstByteTimeoutMs: ms.default(5_000),
      loginTimeoutMs: ms.default(15_000),
      /** Silence in the middle of a frame. */
      partialFrameIdleMs: ms.default(15_000),
      /** A frame begun has to end within this time, however the bytes drip. */
      frameDeadlineMs: ms.default(30_000),
      heartbeatIntervalMs: ms.default(30_000),
      heartbeatTimeoutMs: ms.default(75_000),
      connectionsPerAddress: count.default(50),
      connectionsPerUser: count.default(10),
      unauthenticatedConnections: count.default(1_000),
      acceptPerSecondPerAddress: count.default(20),
      acceptBurstPerAddress: count.default(50),
      /** Requests forwarded and not answered; past it the socket is not read. */
      inFlightPerConnection: count.default(64),
      framesPerSecond: count.default(500),
      framesBurst: count.default(2_000),
      /** In a row; then the connection is closed. */
      unknownCommandsAllowed: count.default(20),
      outQueueSoftBytes: count.default(256 * 1024),
      outQueueHardBytes: count.default(1024 * 1024),
      unwrittenTimeoutMs: ms.default(10_000),
      drainMs: ms.default(5_000),
      /** Apps whose clients this gate takes. */
      appIds: z.array(z.string().min(1).max(64)).default(['fastim']),
      channels: z.array(z.enum(['single', 'group'])).default(['single', 'group']),
      /** Like "percentage=10 version=>=1.2.0" or "users=17+18"; none: everybody. One that fits is enough. */
      grayRules: z.array(z.string().max(1_024)).default([]),
      connections: count.default(50_000),
      /** required: a log-in without a good ticket is refused. preferred: ticket holders first when many come at once. */
      tickets: z.enum(['required', 'preferred']).default('preferred'),
      /** Part of the heap in use, in percent, past which nobody new is taken. */
      heapLimitPercent: z.number().int().min(1).max(100).default(70),
    })
    .prefault({}),
  logic: z
    .strictObject({
      sendPerSecondPerUser: count.default(20),
      sendBurstPerUser: count.default(200),
      /** Most messages in one transaction. A batch starts when the one before it has ended, with all that waits. */
      batchMessages: count.default(512),
      /** A batch starts no earlier than this after the one before it; an idle server stores at once. */
      batchWaitMs: z.number().int().min(0).max(1_000).default(2),
      appendQueueLimit: count.default(20_000),
      cursorFlushMs: ms.default(50),
      /** A delivery without a cursor ack is notified again after this time, `notifyRetries` times; then the close. */
      notifyTimeoutMs: ms.default(10_000),
      notifyRetries: count.default(3),
      /** How long after sending own messages can be edited, and recalled; 0: not at all. */
      editWindowMs: z
        .number()
        .int()
        .min(0)
        .default(24 * 3_600_000),
      /** Owner and admins of a group recall at any time. */
      recallWindowMs: z
        .number()
        .int()
        .min(0)
        .default(2 * 60_000),
      groupMembers: z.number().int().min(2).max(100_000).default(10_000),
      linksPerGroup: count.default(50),
      /** Mean wait in the queue, over a second, that counts as too much. */
      overloadWaitMs: ms.default(20),
      /** Changes of groups (joining included) of one user in an hour. */
      groupChangesPerHour: count.default(1_000),
    })
    .prefault({}),
  auth: z
    .strictObject({
      accessTokenMs: ms.default(15 * 60_000),
      refreshTokenMs: ms.default(30 * 24 * 3_600_000),
      refreshGraceMs: ms.default(30_000),
      failuresPerAccount: count.default(5),
      failuresPerAddress: count.default(20),
      registrationsPerHourPerAddress: count.default(60),
      argon2: z
        .strictObject({
          memoryKiB: z.number().int().min(19_456).default(19_456),
          passes: z.number().int().min(2).default(2),
          parallelism: z.number().int().min(1).default(1),
        })
        .prefault({}),
    })
    .prefault({}),
});

export type Config = Readonly<z.infer<typeof configSchema>>;
export type GateConfig = Config['gate'];
export type LogicConfig = Config['logic'];
export type AuthConfig = Config['auth'];

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function isHostAndPort(text: string): boolean {
  const url = urlOf(`tcp://${text}`);
  return (
    url !== undefined && url.port !== '' && text.endsWith(`:${url.port}`) && `tcp://${text}` === `tcp://${url.host}`
  );
}

function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}
