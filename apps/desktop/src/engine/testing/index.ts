/** What tests and the simulator need to run engines without a machine around them. */
export * from './fake-network.ts';
export * from './fake-server.ts';
export * from './memory-store.ts';
export * from './silent-logger.ts';
export * from './simulated-device.ts';
export * from './store-contract.ts';
export * from './texts.ts';
export * from './world.ts';
