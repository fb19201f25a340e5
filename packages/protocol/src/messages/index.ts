export type { Codec } from './codec.ts';
export * from './cursor.ts';
export * from './message.ts';
export * from './session.ts';
export * from './status.ts';
export * from './sync.ts';
