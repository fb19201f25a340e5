import { noMarks } from '@fastim/core';
import { ConversationKind, type ConversationState, defaultSettings, plainState } from '@fastim/protocol';
import { plainContent } from '../message-content.ts';
import type { StoredMessage } from '../store.ts';

/** A text in conversation 7; every message counts. */
export function textAt(convSeq: number, over: Partial<StoredMessage> = {}): StoredMessage {
  return {
    conversationId: '7',
    convSeq,
    msgId: `${100 + convSeq}`,
    senderId: '2',
    key: convSeq.toString(16).padStart(32, '0'),
    content: plainContent(`t${convSeq}`),
    serverTimeMs: convSeq,
    countNo: convSeq,
    marks: noMarks,
    ...over,
  };
}

/** What a server tells of conversation 7. */
export function stateAt(headSeq: number, over: Partial<ConversationState> = {}): ConversationState {
  return {
    ...plainState,
    conversationId: 7n,
    kind: ConversationKind.direct,
    headSeq,
    headCountNo: headSeq,
    joinSeq: 1,
    readSeq: 0,
    unreadBaseCountNo: 0,
    lastActivityMs: headSeq,
    peer: undefined,
    peerCursor: undefined,
    lastMessage: undefined,
    settings: defaultSettings,
    ...over,
  };
}
