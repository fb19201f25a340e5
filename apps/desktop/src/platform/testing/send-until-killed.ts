import { createNodeClient } from '../create-node-client.ts';

/**
 * A process that writes messages as fast as it can, and says each one that was accepted. Started by a test, which kills
 * it in the middle: `node send-until-killed.ts <directory> <profile> <conversationId> <first number>`.
 */
const [directory, profile, conversationId, first] = process.argv.slice(2) as [string, string, string, string];
const ignore = () => undefined;

const client = createNodeClient({
  directory,
  profile,
  logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  suggestedServerUrl: 'http://127.0.0.1:9',
  clientVersion: 'test/1.0.0',
});
await client.start();
for (let number = Number(first); ; number += 1) {
  await client.sendMessage({ conversationId, text: `message ${number}` });
  process.stdout.write(`${number}\n`);
}
