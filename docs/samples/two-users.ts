/**
 * Two users in one program: they chat, one edits, reacts and recalls, they make a group, and everything both see is
 * printed at the end.
 *
 *   node --conditions=fastim-source docs/samples/two-users.ts http://127.0.0.1:8600 alice bob 'a long password'
 */
import { connect, type FastimClient, type Message } from '@fastim/desktop/sdk';

const [serverUrl, aliceName, bobName, password] = process.argv.slice(2);
if (!serverUrl || !aliceName || !bobName || !password) {
  console.error('usage: two-users.ts <server URL> <user name> <other user name> <password of both>');
  process.exit(2);
}

// Without a directory each of them is a new device, logged out and forgotten by close.
const [alice, bob] = await Promise.all([
  connect({ serverUrl, username: aliceName, password, register: true }),
  connect({ serverUrl, username: bobName, password, register: true }),
]);

try {
  const direct = await alice.direct(bobName);
  const heard = nextMessage(bob, direct.conversationId);
  await alice.send(direct, '明天一起爬山吗？');
  const question = await heard;

  const answered = nextMessage(alice, direct.conversationId);
  await bob.send(direct.conversationId, 'Yes! At eight?', { replyTo: question });
  const answer = await answered;
  console.log(`${aliceName} hears: ${answer.text} (to: ${answer.reply?.text})`);

  const changed = changeOf(bob, answer, (message) => message.reactions.length > 0);
  await alice.react(answer, '👍');
  console.log(`${bobName} sees: ${(await changed).reactions.map(({ emoji, count }) => `${emoji}×${count}`).join(' ')}`);

  const edited = changeOf(alice, answer, (message) => message.edited);
  await bob.edit(answer, 'Yes! At nine?');
  console.log(`${aliceName} sees: ${(await edited).text} (edited)`);

  const group = await alice.groups.create({ name: 'Hikers 登山', userIds: [bob.account.user.userId] });
  const invited = nextMessage(bob, group.conversationId, 'text');
  await alice.send(group, `@${bobName} welcome`, { mentions: [bob.account.user.userId] });
  const welcome = await invited;
  console.log(`${bobName} is in "${group.title}" and was mentioned: ${welcome.mentionsMe}`);
  await bob.markRead(welcome);

  for (const [name, client] of [
    [aliceName, alice],
    [bobName, bob],
  ] as const) {
    console.log(`--- what ${name} has`);
    for (const conversation of [direct, group]) await print(client, conversation.conversationId);
  }
} finally {
  await Promise.all([alice.close(), bob.close()]);
}

/** The next message that somebody else writes there. */
function nextMessage(client: FastimClient, conversationId: string, kind = 'text'): Promise<Message> {
  return new Promise((resolve) => {
    const stop = client.on('message', (message) => {
      if (message.conversationId !== conversationId || message.kind !== kind) return;
      stop();
      resolve(message);
    });
  });
}

/** The message as soon as it is as `wanted` says. */
function changeOf(client: FastimClient, { key }: Message, wanted: (message: Message) => boolean): Promise<Message> {
  return new Promise((resolve) => {
    const stop = client.on('messages', ({ changed }) => {
      const found = changed.find((message) => message.key === key && wanted(message));
      if (!found) return;
      stop();
      resolve(found);
    });
  });
}

async function print(client: FastimClient, conversationId: string): Promise<void> {
  for await (const page of client.history(conversationId, { from: 'oldest' })) {
    for (const { senderName, text, kind } of page) {
      console.log(kind === 'text' ? `${senderName}: ${text}` : `* ${senderName} (${kind})`);
    }
  }
}
