import { toHex } from '@fastim/core';
import {
  Command,
  type ConversationState,
  conversationsResponse,
  createGroupResponse,
  cursorPush,
  type Frame,
  FrameDecoder,
  headPush,
  heartbeatResponse,
  historyResponse,
  joinResponse,
  MAX_DATA_AFTER_LOGIN,
  type MemberCursor,
  type Message,
  MsgType,
  messagePush,
  readersPush,
  sendRequest,
  sendResponse,
  settingsPush,
  settingsRequest,
  settingsResponse,
  syncResponse,
  typingPush,
} from '@fastim/protocol';
import type { Truth } from '../model/truth.ts';

/**
 * Reads everything that the network hands to one device, as somebody would who listens on the wire: nothing may be for a
 * conversation, or a part of one, that its user has no right to (I8), and nothing may differ from what is stored.
 */
export class WireWatch {
  readonly #truth: Truth;
  readonly #report: (invariant: string, message: string) => void;
  readonly #userId: () => string | undefined;
  readonly #device: string;
  readonly #say: (words: () => string) => void;
  readonly #up = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
  readonly #down = new FrameDecoder(MAX_DATA_AFTER_LOGIN);
  /** sequenceId of a SEND → the key of its message. */
  readonly #sends = new Map<number, { key: string; conversationId: string }>();

  constructor(parts: {
    truth: Truth;
    report: (invariant: string, message: string) => void;
    userId: () => string | undefined;
    device: string;
    /** For the trace. */
    say: (words: () => string) => void;
  }) {
    this.#truth = parts.truth;
    this.#report = parts.report;
    this.#userId = parts.userId;
    this.#device = parts.device;
    this.#say = parts.say;
  }

  up(bytes: Uint8Array): void {
    for (const { cmd, sequenceId, data } of this.#up.push(bytes)) {
      if (cmd === Command.settings) {
        this.#say(() => `${this.#device} SETTINGS ${sequenceId} ${words(settingsRequest.decode(data))}`);
      }
      if (cmd !== Command.send) continue;
      const { clientMsgId, conversationId } = sendRequest.decode(data);
      const send = { key: toHex(clientMsgId), conversationId: String(conversationId) };
      this.#sends.set(sequenceId, send);
      this.#say(() => `${this.#device} SEND ${sequenceId} ${send.key} to ${send.conversationId}`);
    }
  }

  down(bytes: Uint8Array): void {
    for (const frame of this.#down.push(bytes)) this.#frame(frame);
    if (this.#down.fault) this.#report('I5', `a gate sent what is no frame: ${this.#down.fault.message}`);
  }

  #frame({ cmd, msgType, sequenceId, data }: Frame): void {
    if (msgType === MsgType.notify) this.#notification(cmd, data);
    else if (msgType === MsgType.response) this.#response(cmd, sequenceId, data);
  }

  #notification(cmd: number, data: Uint8Array): void {
    switch (cmd) {
      case Command.messages:
        for (const message of messagePush.decode(data).messages) this.#message(message, 'a push');
        break;
      case Command.heads:
        for (const { conversationId, headSeq } of headPush.decode(data).heads) {
          this.#head(String(conversationId), headSeq);
        }
        break;
      case Command.cursors:
        for (const cursor of cursorPush.decode(data).cursors) this.#cursor(cursor);
        break;
      case Command.settingsPush:
        for (const { conversationId } of settingsPush.decode(data).settings)
          this.#known(String(conversationId), 'settings');
        break;
      case Command.typingPush:
        for (const { conversationId } of typingPush.decode(data).typing) this.#known(String(conversationId), 'typing');
        break;
      case Command.readersPush:
        for (const id of readersPush.decode(data).conversationIds) this.#known(String(id), 'readers');
        break;
    }
  }

  #response(cmd: number, sequenceId: number, data: Uint8Array): void {
    switch (cmd) {
      case Command.send:
        this.#sent(sequenceId, data);
        break;
      case Command.sync:
        for (const state of syncResponse.decode(data).conversations) this.#state(state);
        break;
      case Command.conversations:
        for (const state of conversationsResponse.decode(data).conversations) this.#state(state);
        break;
      case Command.heartbeat:
        for (const state of heartbeatResponse.decode(data).moved) this.#state(state);
        break;
      case Command.history:
        for (const message of historyResponse.decode(data).messages) this.#message(message, 'history');
        break;
      case Command.createGroup: {
        const { conversation } = createGroupResponse.decode(data);
        if (conversation) this.#state(conversation);
        break;
      }
      case Command.join: {
        const { conversation } = joinResponse.decode(data);
        if (conversation) this.#state(conversation);
        break;
      }
      case Command.settings: {
        const { version, settings, status } = settingsResponse.decode(data);
        this.#say(
          () => `${this.#device} SETTINGS ${sequenceId} ${status?.code ?? `version ${version}`} ${words(settings)}`,
        );
        break;
      }
    }
  }

  #sent(sequenceId: number, data: Uint8Array): void {
    const send = this.#sends.get(sequenceId);
    this.#sends.delete(sequenceId);
    const userId = this.#userId();
    const { status, msgId, convSeq } = sendResponse.decode(data);
    this.#say(
      () =>
        `${this.#device} SEND ${sequenceId} ${status ? `refused ${status.code} ${status.message}` : `stored at ${convSeq}`}`,
    );
    if (!send || status || msgId === 0n || userId === undefined) return;
    this.#truth.acked({ ...send, convSeq, msgId: String(msgId), userId });
  }

  /** A number only: a member may be told one from before joining, but who left none from after. */
  #head(conversationId: string, headSeq: number): void {
    const userId = this.#userId();
    if (userId === undefined || this.#truth.conversations.get(conversationId)?.isMember(userId)) return;
    this.#place(conversationId, headSeq, 'a head');
  }

  #message(message: Message, what: string): void {
    this.#truth.seen(message);
    const conversationId = String(message.conversationId);
    this.#place(conversationId, message.convSeq, what);
    const { marks } = message;
    if (!marks) return;
    for (const [name, seq] of [
      ['edit', marks.editedSeq],
      ['reaction', marks.reactionsSeq],
    ] as const) {
      if (seq > 0) this.#event(conversationId, message.convSeq, seq, name);
    }
  }

  /** Of what happened after the user left only a recall shows: the words are not there any more. */
  #event(conversationId: string, targetSeq: number, seq: number, name: string): void {
    const truth = this.#truth.conversations.get(conversationId);
    const userId = this.#userId();
    if (!truth || userId === undefined) return;
    const range = truth.range(userId);
    if (range && seq > range.to) {
      this.#report(
        'I8',
        `${this.#device} left ${conversationId} at ${range.to} and is told of the ${name} ${seq} of ${targetSeq}`,
      );
    }
  }

  #state(state: ConversationState): void {
    const conversationId = String(state.conversationId);
    if (state.headSeq > 0) this.#place(conversationId, Math.max(state.headSeq, state.joinSeq), 'a state');
    if (state.lastMessage) this.#message(state.lastMessage, 'a last message');
    if (state.peerCursor) this.#cursor(state.peerCursor);
  }

  #cursor({ conversationId, readSeq, deliveredSeq }: MemberCursor): void {
    const id = String(conversationId);
    this.#known(id, 'a cursor');
    const head = this.#truth.conversations.get(id)?.head ?? 0;
    if (readSeq > head || deliveredSeq > head) {
      this.#report('I9', `a cursor at ${readSeq}/${deliveredSeq} of ${id}, whose head is ${head}`);
    }
  }

  #place(conversationId: string, convSeq: number, what: string): void {
    const truth = this.#truth.conversations.get(conversationId);
    const userId = this.#userId();
    if (userId === undefined) return;
    if (!truth) {
      this.#report('I8', `${this.#device} is given ${what} of ${conversationId}, which does not exist`);
    } else if (!truth.mayKnow(userId, convSeq)) {
      const range = truth.range(userId);
      this.#report(
        'I8',
        `${this.#device} is given ${what} of ${conversationId} at ${convSeq}; its user was there ${
          range ? `from ${range.from} to ${range.left ? range.to : 'now'}` : 'never'
        }`,
      );
    }
  }

  #known(conversationId: string, what: string): void {
    const userId = this.#userId();
    if (userId === undefined) return;
    if (this.#truth.conversations.get(conversationId)?.members.has(userId)) return;
    this.#report('I8', `${this.#device} is given ${what} of ${conversationId}, which its user never was in`);
  }
}

function words(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? String(each) : each));
}
