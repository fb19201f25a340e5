/** The client engine: what hosts (Electron main, headless, SDK, simulator) need of it. */
export * from './client.ts';
export type * from './client-api.ts';
export * from './http-failure.ts';
export { defaultLimits, type EngineLimits } from './limits.ts';
export type * from './ports.ts';
export * from './store.ts';
export type * from './views.ts';
