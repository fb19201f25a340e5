/**
 * A bot that says everything back, and goes on where it was after a restart: every message gets one answer, however often
 * the bot is killed on the way.
 *
 *   node --conditions=fastim-source docs/samples/echo-bot.ts http://127.0.0.1:8600 echo 'a long password' ./echo-data
 */
import { createHash } from 'node:crypto';
import { connect } from '@fastim/desktop/sdk';

const [serverUrl, username, password, directory] = process.argv.slice(2);
if (!serverUrl || !username || !password || !directory) {
  console.error('usage: echo-bot.ts <server URL> <user name> <password> <data folder>');
  process.exit(2);
}

const bot = await connect({ serverUrl, username, password, directory, register: { displayName: 'Echo' } });

bot.on('message', async (message) => {
  // Direct conversations only: in a group two echo bots would never come to an end.
  const conversation = (await bot.conversations()).find((one) => one.conversationId === message.conversationId);
  if (conversation?.kind !== 'direct' || message.kind !== 'text' || message.recalled) {
    await bot.markRead(message);
    return;
  }
  await bot.typing(message.conversationId);
  // The key is made of the message answered: answering it again, after a crash before markRead, has no second effect.
  const key = createHash('sha256').update(`echo ${message.msgId}`).digest('hex').slice(0, 32);
  await bot.send(conversation, message.text, { replyTo: message, key });
  await bot.markRead(message);
});

bot.on('connection', ({ state }) => console.log(`connection: ${state}`));
bot.on('error', (error) => console.error('a message was not answered:', error));

console.log(`echo-bot ready as ${bot.account.user.username} (${bot.account.user.userId})`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    // The session stays: the next start goes on with it.
    bot.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
