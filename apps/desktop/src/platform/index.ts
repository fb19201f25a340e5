/** The engine on Node. */
export { createNodeClient, type NodeClientOptions } from './create-node-client.ts';
export { createNodeTransport } from './node-transport.ts';
export { openProfileFolder, profileFolderName } from './profile-folder.ts';
export { SqliteStore } from './sqlite/sqlite-store.ts';
export { systemClock } from './system-clock.ts';
export { systemRandom } from './system-random.ts';
