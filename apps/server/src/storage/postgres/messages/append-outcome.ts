import { ConversationKind } from '@fastim/protocol';
import type { AppendOutcome } from '../../message-store.ts';
import { StorageError } from '../../storage.ts';

export type StoredOutcome = Extract<AppendOutcome, { outcome: 'stored' | 'repeated' }>;

/** What every outcome of one conversation says. */
export interface OutcomeConversation {
  readonly kind: ConversationKind;
  readonly memberIds: readonly bigint[];
  readonly removalsSeq: number;
}

export function storedOutcome(
  outcome: 'stored' | 'repeated',
  message: {
    readonly msgId: bigint;
    readonly convSeq: number;
    readonly countNo: number;
    readonly serverTimeMs: number;
  },
  { kind, memberIds, removalsSeq }: OutcomeConversation,
): StoredOutcome {
  const { msgId, convSeq, countNo, serverTimeMs } = message;
  return {
    outcome,
    msgId,
    convSeq,
    countNo,
    serverTimeMs,
    kind,
    memberIds,
    removalsSeq: Math.min(removalsSeq, convSeq),
  };
}

export function kindOf(kind: number): ConversationKind {
  if (kind === ConversationKind.direct || kind === ConversationKind.group) return kind;
  throw new StorageError('corrupt', `there are no conversations of kind ${kind}`);
}
