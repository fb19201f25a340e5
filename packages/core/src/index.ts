/**
 * Deterministic logic shared by client and server. No sockets, no timers, no clock, no randomness of its own: time,
 * bytes and random numbers are arguments. It knows ids and sequence numbers, not frames.
 */
export * from './delivery/ack-queue.ts';
export * from './delivery/backoff.ts';
export * from './delivery/cursors.ts';
export * from './delivery/dedupe-window.ts';
export * from './delivery/reorder-buffer.ts';
export * from './delivery/unread.ts';
export * from './groups/message-marks.ts';
export * from './groups/permissions.ts';
export * from './ids/client-message-id.ts';
export * from './ids/snowflake.ts';
export * from './limits/gcra.ts';
export * from './limits/rate-limiter.ts';
export * from './overload/link-delay.ts';
export * from './overload/overload-control.ts';
export * from './overload/user-level.ts';
export type * from './ports.ts';
export * from './session/client-session-states.ts';
export * from './session/heartbeat.ts';
export * from './session/server-session-states.ts';
export * from './session/state-table.ts';
