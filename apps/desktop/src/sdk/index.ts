/**
 * FastIM from a program of yours: bots, bridges, scripts. Begin with {@link connect}; docs/sdk.md has a guide and
 * docs/samples two programs that run.
 *
 * @packageDocumentation
 */
export { type ErrorName, FastimError } from '@fastim/protocol';
export { type ConnectOptions, connect } from './connect.ts';
export { FastimClient } from './fastim-client.ts';
export type { FastimEvents, Listener } from './fastim-events.ts';
export type { GroupCalls } from './group-calls.ts';
export type * from './sdk-types.ts';
