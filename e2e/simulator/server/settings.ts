import { type Config, configSchema } from '../../../apps/server/src/config.ts';

/**
 * The server's configuration in the simulation. Everything has to converge within 30 simulated seconds, so what repairs
 * a loss comes more often than in production: heartbeats each 5 s, silence of 12 s is death.
 */
export const serverConfig: Config = configSchema.parse({
  gate: {
    heartbeatIntervalMs: 5_000,
    heartbeatTimeoutMs: 12_000,
    loginTimeoutMs: 6_000,
    firstByteTimeoutMs: 4_000,
    partialFrameIdleMs: 5_000,
    frameDeadlineMs: 10_000,
    unwrittenTimeoutMs: 5_000,
    drainMs: 2_000,
    connectionsPerAddress: 1_000,
    acceptPerSecondPerAddress: 1_000,
    acceptBurstPerAddress: 1_000,
  },
  logic: {
    notifyTimeoutMs: 3_000,
    notifyRetries: 3,
    sendPerSecondPerUser: 1_000,
    sendBurstPerUser: 10_000,
    groupChangesPerHour: 100_000,
  },
  auth: {
    registrationsPerHourPerAddress: 1_000_000,
    failuresPerAccount: 1_000,
    failuresPerAddress: 100_000,
  },
});

/** Ms between two tries of a node to reach a gate. */
export const DIAL_MS = 500;

/** What gates and API sign and read tickets with. */
export const CLUSTER_SECRET = 'the secret of the simulated cluster';
