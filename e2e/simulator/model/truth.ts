import { toHex } from '@fastim/core';
import type { SettingsRequest } from '@fastim/protocol';
import { editBody, type Message, MessageKind, textBody } from '@fastim/protocol';
import type { CursorRaise, RaiseOutcome } from '../../../apps/server/src/storage/conversation-store.ts';
import type { GroupOutcome } from '../../../apps/server/src/storage/group-store.ts';
import type { AppendOutcome, AppendRequest } from '../../../apps/server/src/storage/message-store.ts';
import type { Auditor } from '../server/database.ts';
import type { StorageCall } from '../server/storage-calls.ts';
import { ConversationTruth, type LogEntry } from './conversation-truth.ts';

/** What a device was told of a SEND that the server took. */
export interface Ack {
  readonly conversationId: string;
  readonly convSeq: number;
  readonly msgId: string;
  readonly key: string;
  readonly userId: string;
}

/**
 * What is really stored, in words of the simulator's own: follows every write that the database carried out, and checks
 * each as it comes. `report` is called with what breaks a promise.
 */
export class Truth implements Auditor {
  readonly conversations = new Map<string, ConversationTruth>();
  /** By key: what devices were told. Survives the database. */
  readonly acks = new Map<string, Ack>();
  /** conversation → conv_seq → msg_id that some device has seen. Survives the database. */
  readonly #seen = new Map<string, Map<number, string>>();
  readonly #report: (invariant: string, message: string) => void;
  readonly #laneOf: (operation: number) => string | undefined;
  readonly #say: (words: () => string) => void;
  /** Operation number → where it is stored. */
  #effects = new Map<number, string>();
  /** device and conversation → the newest operation stored. */
  #newest = new Map<string, number>();

  constructor(parts: {
    report: (invariant: string, message: string) => void;
    /** What an operation keeps its order with. */
    laneOf: (operation: number) => string | undefined;
    /** For the trace. */
    say: (words: () => string) => void;
  }) {
    this.#report = parts.report;
    this.#laneOf = parts.laneOf;
    this.#say = parts.say;
  }

  /** Whether the operation had its effect. */
  hasEffect(operation: number): boolean {
    return this.#effects.has(operation);
  }

  restarted(): void {
    this.conversations.clear();
    this.#effects = new Map();
    this.#newest = new Map();
  }

  /** Nothing that anybody was told of may be missing. */
  recovered(): void {
    for (const ack of this.acks.values()) this.#checkAck(ack);
    for (const [conversationId, seen] of this.#seen) {
      const log = this.conversations.get(conversationId)?.log;
      for (const [convSeq, msgId] of seen) {
        if (log?.[convSeq - 1]?.msgId !== msgId) {
          this.#report('I1', `message ${msgId} at ${convSeq} of ${conversationId} was seen by a device and is gone`);
        }
      }
    }
  }

  acked(ack: Ack): void {
    const before = this.acks.get(ack.key);
    if (before && (before.convSeq !== ack.convSeq || before.msgId !== ack.msgId)) {
      this.#report('I2', `${ack.key} was acked at ${before.convSeq} and at ${ack.convSeq} of ${ack.conversationId}`);
    }
    this.acks.set(ack.key, ack);
    this.#checkAck(ack);
  }

  /** A device is being given this message. */
  seen(message: Pick<Message, 'msgId' | 'conversationId' | 'convSeq'>): void {
    const conversationId = String(message.conversationId);
    const entry = this.conversations.get(conversationId)?.log[message.convSeq - 1];
    if (entry?.msgId !== String(message.msgId)) {
      this.#report(
        'I5',
        `a device is given ${message.msgId} at ${message.convSeq} of ${conversationId}, where ${entry?.msgId ?? 'nothing'} is stored`,
      );
      return;
    }
    let seen = this.#seen.get(conversationId);
    if (!seen) {
      seen = new Map();
      this.#seen.set(conversationId, seen);
    }
    seen.set(message.convSeq, entry.msgId);
  }

  #checkAck({ conversationId, convSeq, msgId, key }: Ack): void {
    const entry = this.conversations.get(conversationId)?.log[convSeq - 1];
    if (entry?.key !== key || entry.msgId !== msgId) {
      this.#report('I1', `${key} was acked at ${convSeq} of ${conversationId} and is not stored there`);
    }
  }

  // ---- what the database carried out ----

  applied({ store, method, args }: StorageCall, outcome: unknown): void {
    if (outcome === undefined && method !== 'end') return;
    switch (`${store}.${method}`) {
      case 'messages.append':
        this.#appended(args[0] as readonly AppendRequest[], outcome as AppendOutcome[]);
        break;
      case 'conversations.openDirect': {
        const { conversationId, created } = outcome as { conversationId: bigint; created: boolean };
        if (created) this.#opened(String(conversationId), [String(args[0]), String(args[1])]);
        break;
      }
      case 'conversations.raiseCursors':
        this.#raised(args[0] as readonly CursorRaise[], outcome as RaiseOutcome);
        break;
      case 'conversations.changeSettings':
        this.#set(String(args[0]), args[1] as SettingsRequest);
        break;
      case 'groups.create':
      case 'groups.change':
      case 'groups.joinByLink':
        this.#changed(outcome as GroupOutcome);
        break;
    }
  }

  #opened(conversationId: string, members: readonly string[]): void {
    const truth = new ConversationTruth(conversationId, false);
    for (const userId of members) truth.enter(userId, 1, 0);
    this.conversations.set(conversationId, truth);
  }

  #appended(batch: readonly AppendRequest[], outcomes: readonly AppendOutcome[]): void {
    for (const [index, request] of batch.entries()) {
      const outcome = outcomes[index]!;
      if (outcome.outcome !== 'stored') continue;
      this.#add({
        conversationId: String(request.conversationId),
        entry: {
          convSeq: outcome.convSeq,
          msgId: String(outcome.msgId),
          senderId: String(request.senderId),
          key: toHex(request.clientMsgId),
          kind: request.kind,
          body: request.body,
          serverTimeMs: request.serverTimeMs,
        },
      });
    }
  }

  #changed(outcome: GroupOutcome): void {
    if (outcome.outcome !== 'stored') return;
    const { notice } = outcome;
    const conversationId = String(outcome.conversationId);
    if (!this.conversations.has(conversationId)) {
      this.conversations.set(conversationId, new ConversationTruth(conversationId, true));
    }
    this.#add({
      conversationId,
      entry: {
        convSeq: notice.convSeq,
        msgId: String(notice.msgId),
        senderId: String(notice.senderId),
        key: toHex(notice.clientMsgId),
        kind: notice.kind,
        body: notice.body,
        serverTimeMs: notice.serverTimeMs,
      },
    });
  }

  #add({ conversationId, entry }: { conversationId: string; entry: LogEntry }): void {
    const truth = this.conversations.get(conversationId);
    if (!truth) {
      this.#report('I5', `a message was stored in ${conversationId}, which does not exist`);
      return;
    }
    if (entry.convSeq !== truth.head + 1) {
      this.#report('I5', `${conversationId} is at ${truth.head} and the next message is stored at ${entry.convSeq}`);
    }
    if (truth.log.some(({ msgId }) => msgId === entry.msgId)) {
      this.#report('I5', `msg_id ${entry.msgId} was given twice in ${conversationId}`);
    }
    if (entry.kind !== MessageKind.notice && !truth.isMember(entry.senderId)) {
      this.#report('I8', `${entry.senderId} is no member of ${conversationId} and wrote ${entry.convSeq}`);
    }
    truth.add(entry);
    this.#say(
      () => `stored ${entry.key} of ${entry.senderId} at ${conversationId}/${entry.convSeq}, kind ${entry.kind}`,
    );
    const operation = operationOf(entry);
    if (operation !== undefined) this.#effect(operation, conversationId, entry);
  }

  /** Every text and every edit carries the number of the operation that it comes from. */
  #effect(operation: number, conversationId: string, { convSeq }: LogEntry): void {
    const place = `${conversationId}/${convSeq}`;
    this.#say(() => `operation ${operation} of device ${this.#laneOf(operation)} is at ${place}`);
    const before = this.#effects.get(operation);
    if (before !== undefined) this.#report('I2', `operation ${operation} is stored at ${before} and at ${place}`);
    this.#effects.set(operation, place);
    const lane = `${this.#laneOf(operation)}/${conversationId}`;
    const newest = this.#newest.get(lane) ?? 0;
    if (operation < newest) this.#report('I3', `operation ${operation} is stored behind ${newest} of the same device`);
    this.#newest.set(lane, Math.max(newest, operation));
  }

  #raised(batch: readonly CursorRaise[], outcome: RaiseOutcome): void {
    for (const cursor of outcome.raised) {
      const truth = this.conversations.get(String(cursor.conversationId));
      const member = truth?.members.get(String(cursor.userId));
      if (!truth || !member) {
        this.#report('I8', `a cursor of ${cursor.userId} was stored in ${cursor.conversationId}`);
        continue;
      }
      if (cursor.readSeq < member.readSeq || cursor.deliveredSeq < member.deliveredSeq) {
        this.#report('I9', `a cursor of ${cursor.userId} went back in ${cursor.conversationId}`);
      }
      const asked = batch.filter(
        (move) => move.conversationId === cursor.conversationId && move.userId === cursor.userId,
      );
      const highest = Math.max(member.readSeq, ...asked.map((move) => move.readSeq));
      if (cursor.readSeq > highest || cursor.readSeq > truth.head) {
        this.#report('I9', `the read cursor of ${cursor.userId} rose to ${cursor.readSeq} by itself`);
      }
      if (cursor.readSeq > member.readSeq) member.settings.markedUnread = false;
      member.readSeq = cursor.readSeq;
      member.deliveredSeq = cursor.deliveredSeq;
    }
  }

  #set(userId: string, change: SettingsRequest): void {
    const member = this.conversations.get(String(change.conversationId))?.members.get(userId);
    const range = this.conversations.get(String(change.conversationId))?.range(userId);
    if (!member || !range) return;
    const { settings } = member;
    settings.silentUntilMs = change.silentUntilMs ?? settings.silentUntilMs;
    settings.pinnedMs = change.pinnedMs ?? settings.pinnedMs;
    settings.archived = change.archived ?? settings.archived;
    settings.markedUnread = change.markedUnread ?? settings.markedUnread;
    settings.draft = change.draft ?? settings.draft;
    for (const seq of change.hideSeqs) if (seq >= range.from && seq <= range.to) member.hidden.add(seq);
  }
}

/** "… #17": the operation that wrote it. What was forwarded has the words of another one. */
export function operationOf({ kind, body }: Pick<LogEntry, 'kind' | 'body'>): number | undefined {
  let text = '';
  if (kind === MessageKind.edit) text = editBody.decode(body).text;
  else if (kind === MessageKind.text) {
    const decoded = textBody.decode(body);
    if (decoded.forwardedFrom === 0n) text = decoded.text;
  }
  const found = /#(\d+)$/.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}
