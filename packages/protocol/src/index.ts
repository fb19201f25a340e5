export * from './close-codes.ts';
export * from './commands.ts';
export * from './errors.ts';
export * from './frame-decoder.ts';
export * from './frame-encoder.ts';
export * from './header.ts';
export * from './limits.ts';
export * from './messages/index.ts';
