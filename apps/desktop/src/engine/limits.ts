import type { BackoffPolicy } from '@fastim/core';

/** The engine's times and sizes. Tests and the simulator may hand in others. */
export interface EngineLimits {
  readonly httpTimeoutMs: number;
  readonly httpMaxBytes: number;
  readonly connectTimeoutMs: number;
  readonly loginTimeoutMs: number;
  /** A request without an answer for so long is given up (and usually asked again). */
  readonly requestTimeoutMs: number;
  readonly reconnect: BackoffPolicy;
  /** Online for so long: the next failure starts again at the first backoff. */
  readonly stableMs: number;
  /** How often the clock is watched for a jump, and how large a jump means that the machine slept. */
  readonly watchMs: number;
  readonly sleepJumpMs: number;
  /** After sleep or a network change the server has to answer within this time. */
  readonly probeTimeoutMs: number;
  /** Messages on the wire, over all conversations. */
  readonly sendWindow: number;
  readonly sendTimeout: BackoffPolicy;
  readonly sendRetry: BackoffPolicy;
  /** Refused "for now" for so long: failed, for the user to decide. */
  readonly giveUpMs: number;
  readonly gapWaitMs: number;
  readonly reorderCapacity: number;
  /** Delay of a cursor acknowledgement, so that many travel in one request. */
  readonly cursorDelayMs: number;
  /** A draft is told to the other devices when nothing was written for so long. */
  readonly draftDelayMs: number;
  /** A head that was told waits so long for others, plus up to `headJitterMs`. */
  readonly headWaitMs: number;
  readonly headJitterMs: number;
  /** A group that is not on the screen is pulled no more often than this. */
  readonly headIntervalMs: number;
  /** Conversations whose last page is pulled at once after a sync. */
  readonly pullFirst: number;
  /** Messages in a last page. */
  readonly lastPage: number;
  /** A gap up to this long is pulled as a whole; past it only the last page, and the rest on demand. */
  readonly gapMax: number;
  /** Holes above the read cursor are filled in the background, up to this many messages of one conversation. */
  readonly backgroundFill: number;
  /** Conversations that are filled at a time. */
  readonly concurrentFills: number;
  readonly concurrentPulls: number;
  /** A page of messages is answered from the local store when the server takes longer. */
  readonly pagePatienceMs: number;
  readonly logOutRetryMs: number;
  /** The whole list is fetched because a heartbeat said that something differs and not what: not again before then. */
  readonly wholeListMs: number;
}

export const defaultLimits: EngineLimits = {
  httpTimeoutMs: 15_000,
  httpMaxBytes: 1024 * 1024,
  connectTimeoutMs: 10_000,
  loginTimeoutMs: 15_000,
  requestTimeoutMs: 15_000,
  reconnect: { baseMs: 1_000, capMs: 30_000 },
  stableMs: 10_000,
  watchMs: 10_000,
  sleepJumpMs: 10_000,
  probeTimeoutMs: 5_000,
  sendWindow: 64,
  sendTimeout: { baseMs: 5_000, capMs: 30_000 },
  sendRetry: { baseMs: 1_000, capMs: 30_000 },
  giveUpMs: 24 * 3_600_000,
  gapWaitMs: 500,
  reorderCapacity: 2_000,
  cursorDelayMs: 50,
  draftDelayMs: 2_000,
  headWaitMs: 50,
  headJitterMs: 100,
  headIntervalMs: 500,
  pullFirst: 20,
  lastPage: 50,
  gapMax: 500,
  backgroundFill: 5_000,
  concurrentFills: 4,
  concurrentPulls: 4,
  pagePatienceMs: 5_000,
  logOutRetryMs: 60_000,
  wholeListMs: 5 * 60_000,
};
