/**
 * A process that opens a data folder, appends to its conversations without pause, and says on standard output what was
 * acknowledged: one JSON line each. Tests kill it, or take its disk away, and compare.
 */
import { writeSync } from 'node:fs';
import { toHex } from '@fastim/core';
import { editBody, MessageKind, plainText, textBody } from '@fastim/protocol';
import { pino } from 'pino';
import type { AppendAction } from '../../message-store.ts';
import { StorageError, StorageRefusal } from '../../storage.ts';
import { openSqliteStorage } from '../open-sqlite-storage.ts';

const [directory = '', label = '0', mode = 'append'] = process.argv.slice(2);
const CONVERSATIONS = 3;
const WRITERS = 4;

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
  /** The newest text of each sender that was acknowledged: what its next edit changes. */
  const ownTexts = new Map<bigint, number>();
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
        const senderId = members[counter % 2]!;
        const words = String(counter).repeat(10 + (counter % 60));
        const targetSeq = counter % 7 === 0 ? (ownTexts.get(senderId) ?? 0) : 0;
        return {
          conversationId,
          senderId,
          clientMsgId,
          msgId: BigInt(counter) + (BigInt(label) << 40n),
          serverTimeMs: clock.now(),
          ...(targetSeq > 0 ? editOf(targetSeq, words) : postOf(words)),
        };
      });
      try {
        const outcomes = await storage.messages.append(batch);
        outcomes.forEach((outcome, index) => {
          if (!('convSeq' in outcome)) throw new Error(outcome.outcome);
          const { conversationId, senderId, clientMsgId, kind } = batch[index]!;
          if (kind === MessageKind.text) ownTexts.set(senderId, outcome.convSeq);
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

function postOf(words: string): { kind: number; body: Uint8Array; action: AppendAction } {
  const action: AppendAction = { type: 'post', mentions: [], mentionAll: false, replySeq: 0 };
  return { kind: MessageKind.text, body: textBody.encode(plainText(words)), action };
}

function editOf(targetSeq: number, words: string): { kind: number; body: Uint8Array; action: AppendAction } {
  const change = { targetSeq, mentions: [], mentionAll: false };
  const action: AppendAction = { type: 'edit', notBeforeMs: 0, ...change };
  return { kind: MessageKind.edit, body: editBody.encode({ ...change, text: words }), action };
}

/** Written when it returns, also to a full pipe: what was not said before a kill was not acknowledged. */
function say(line: object): void {
  let rest = Buffer.from(`${JSON.stringify(line)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}
