/**
 * A process that opens a data folder, appends to its conversations without pause, and says on standard output what was
 * acknowledged: one JSON line each. Tests kill it, or take its disk away, and compare.
 */
import { writeSync } from 'node:fs';
import { toHex } from '@fastim/core';
import { pino } from 'pino';
import { StorageError, StorageRefusal } from '../../storage.ts';
import { openSqliteStorage } from '../open-sqlite-storage.ts';

const [directory = '', label = '0', mode = 'append'] = process.argv.slice(2);
const CONVERSATIONS = 3;
const WRITERS = 4;

const say = (line: object) => void writeSync(1, `${JSON.stringify(line)}\n`);
const clock = { now: () => Date.now(), setTimer: () => () => {} };

try {
  const storage = await openSqliteStorage({ directory, clock, logger: pino({ level: 'silent' }) });
  const conversations: { conversationId: bigint; members: [bigint, bigint] }[] = [];
  for (let index = 1n; index <= CONVERSATIONS; index += 1n) {
    const members: [bigint, bigint] = [index * 10n, index * 10n + 1n];
    const opened = await storage.conversations.openDirect(...members, (1n << 60n) + index, clock.now());
    conversations.push({ conversationId: opened.conversationId, members });
  }
  say({ ready: true });
  let counter = 0;
  const writer = async () => {
    for (;;) {
      const batch = Array.from({ length: 1 + (counter % 5) }, () => {
        counter += 1;
        const { conversationId, members } = conversations[counter % CONVERSATIONS]!;
        const clientMsgId = new Uint8Array(16);
        const view = new DataView(clientMsgId.buffer);
        view.setUint32(4, Number(label));
        view.setUint32(12, counter);
        const body = new Uint8Array(50 + (counter % 400)).fill(counter % 251);
        return {
          conversationId,
          senderId: members[counter % 2]!,
          clientMsgId,
          msgId: BigInt(counter) + (BigInt(label) << 40n),
          kind: 1,
          body,
          serverTimeMs: clock.now(),
          counts: counter % 7 !== 0,
        };
      });
      try {
        const outcomes = await storage.messages.append(batch);
        outcomes.forEach((outcome, index) => {
          if (outcome.outcome === 'not-a-member') throw new Error('not a member');
          const { conversationId, senderId, clientMsgId } = batch[index]!;
          say({
            conversationId: String(conversationId),
            senderId: String(senderId),
            clientMsgId: toHex(clientMsgId),
            msgId: String(outcome.msgId),
            convSeq: outcome.convSeq,
            countNo: outcome.countNo,
            serverTimeMs: outcome.serverTimeMs,
          });
        });
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        say({ rejected: error.kind });
      }
    }
  };
  if (mode === 'append') await Promise.all(Array.from({ length: WRITERS }, writer));
  else setInterval(() => {}, 60_000);
} catch (error) {
  if (!(error instanceof StorageRefusal)) throw error;
  say({ refused: error.kind, message: error.message });
}
