import { ConversationKind, type ConversationState } from '@fastim/protocol';
import type { Route } from '../../routing/route-table.ts';
import type { SendToGate } from '../../routing/send-to-gate.ts';
import type { Members } from '../members.ts';

/**
 * Tells a connection's gate which groups its user is in. At log-in all of them; later those that an answer names, since
 * what told the gate of them may have got lost.
 */
export class FollowGroups {
  readonly #toGate: SendToGate;
  readonly #members: Members;

  constructor(parts: { toGate: SendToGate; members: Members }) {
    this.#toGate = parts.toGate;
    this.#members = parts.members;
  }

  all(route: Route, groups: ReadonlyArray<{ conversationId: bigint; asOfSeq: number }>): void {
    if (groups.length === 0) return;
    for (const { conversationId } of groups) this.#members.learnGroup(conversationId);
    this.#toGate.follow(route.connection, groups);
  }

  /** Those of the states that are groups the user is in. To be called before the answer leaves. */
  named(route: Route, states: readonly ConversationState[]): void {
    const groups: { conversationId: bigint; asOfSeq: number }[] = [];
    for (const { conversationId, kind, leaveSeq, headSeq } of states) {
      if (kind === ConversationKind.group && leaveSeq === 0) groups.push({ conversationId, asOfSeq: headSeq });
    }
    this.all(route, groups);
  }
}
