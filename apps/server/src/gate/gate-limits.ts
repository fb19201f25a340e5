/** Limits of the gate that nobody has a reason to configure. Those that one has are in `config.ts`. Times in ms. */

/** How finely deadlines are kept: a deadline is acted on at most this late. */
export const TICK_MS = 250;

/** From our Goodbye to the destruction of a socket whose peer does not hang up. */
export const CLOSE_GRACE_MS = 2_000;

/** From accept to the end of the WebSocket upgrade. */
export const UPGRADE_TIMEOUT_MS = 10_000;

/**
 * One write to a socket, unless a single frame is larger. Small enough that "no progress for `unwrittenTimeoutMs`"
 * cuts no one who takes 7 kB/s.
 */
export const WRITE_BATCH_BYTES = 64 * 1024;

/** Empty fragments cost the same as full ones: a message may come in this many. */
export const WEBSOCKET_FRAGMENTS = 1_024;

/** Bytes of an HTTP upgrade request's head. */
export const UPGRADE_HEADER_BYTES = 16 * 1024;

/**
 * Over the frame rate a connection is read more slowly, so a burst (a client that comes back with a full outbox) is
 * served, not cut. One that stays over its rate this long is closed.
 */
export const OVER_RATE_MS = 30_000;

/** Heartbeats (and WebSocket pings) allowed at once, and how many come back in one heartbeat interval. */
export const HEARTBEAT_BURST = 20;
export const HEARTBEATS_PER_INTERVAL = 10;

/** Refused logins on one connection; then it is closed. */
export const LOGIN_ATTEMPTS = 5;

/** One line a minute and address about peers that do not speak the protocol. */
export const COMPLAINT_INTERVAL_MS = 60_000;

/** Connections waiting in the kernel: a restart brings everybody back at once. */
export const LISTEN_BACKLOG = 1_024;

/**
 * A view into a chunk keeps the whole chunk in memory. A piece this many times smaller than a large chunk is copied, so
 * that a request in the queue holds about its own size.
 */
export const COPY_RATIO = 8;
export const COPY_FROM_CHUNK_BYTES = 8 * 1024;

/**
 * From one round of heads of a group to the next: what comes meanwhile goes out with the next one. A client that does not
 * look at the group pulls it twice a second at most, so it is not told later by this, only less often.
 */
export const HEAD_GAP_MS = 250;

/** From the question who is still a member of a group to the next one, when no answer came. */
export const ASK_AGAIN_MS = 2_000;

/** From the last follower of a group until logic may be told that there is none: most are back before. */
export const INTEREST_KEPT_MS = 30_000;

/** How often the heap is looked at. */
export const HEAP_LOOK_MS = 1_000;

/** Past this part of the heap, in percent, notifications that may be dropped are. */
export const HEAP_SHED_PERCENT = 85;

/** Log-ins under way with logic; past it those who were sent here by an LSB go first. */
export const LOGINS_UNDER_WAY = 500;
