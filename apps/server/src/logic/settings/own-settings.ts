import type { Clock, RateLimiter } from '@fastim/core';
import {
  Command,
  FastimError,
  hiddenRequest,
  hiddenResponse,
  MAX_DRAFT,
  type SettingsRequest,
  settingsPush,
  settingsRequest,
  settingsResponse,
} from '@fastim/protocol';
import type { UplinkPacket } from '../../cluster/contract.ts';
import { visitRoutes } from '../../routing/locate-user.ts';
import type { Route, RouteTable } from '../../routing/route-table.ts';
import type { SendToGate } from '../../routing/send-to-gate.ts';
import type { ConversationStore } from '../../storage/conversation-store.ts';
import type { Answer } from '../answer.ts';
import { requirePull } from '../require-pull.ts';
import type { Writes } from '../writes.ts';

/**
 * A member's own view of a conversation: muted, pinned, archived, draft, what was deleted for me. On disk when answered;
 * then the user's other devices get it. Who left a group still has these.
 */
export class OwnSettings {
  readonly #conversations: ConversationStore;
  readonly #routes: RouteTable;
  readonly #toGate: SendToGate;
  readonly #answer: Answer;
  readonly #writes: Writes;
  readonly #changeRate: RateLimiter<bigint>;
  readonly #pulls: RateLimiter<bigint>;
  readonly #clock: Clock;

  constructor(parts: {
    conversations: ConversationStore;
    routes: RouteTable;
    toGate: SendToGate;
    answer: Answer;
    writes: Writes;
    /** Changes per user. */
    changeRate: RateLimiter<bigint>;
    /** Pulls per user. */
    pulls: RateLimiter<bigint>;
    clock: Clock;
  }) {
    this.#conversations = parts.conversations;
    this.#routes = parts.routes;
    this.#toGate = parts.toGate;
    this.#answer = parts.answer;
    this.#writes = parts.writes;
    this.#changeRate = parts.changeRate;
    this.#pulls = parts.pulls;
    this.#clock = parts.clock;
  }

  change(packet: UplinkPacket, route: Route): Promise<void> {
    const request = settingsRequest.decode(packet.data);
    requireDraft(request);
    requirePull(this.#changeRate, route.identity.userId, this.#clock.now());
    return this.#writes.run(() => this.#change(packet, route, request));
  }

  async hidden(packet: UplinkPacket, route: Route): Promise<void> {
    const { conversationId, since } = hiddenRequest.decode(packet.data);
    const { userId } = route.identity;
    requirePull(this.#pulls, userId, this.#clock.now());
    const [membership, hidden] = await Promise.all([
      this.#conversations.membership(conversationId, userId),
      this.#conversations.hidden(userId, conversationId, since),
    ]);
    if (!membership) throw new FastimError('NOT_A_MEMBER');
    this.#answer.with(packet, hiddenResponse.encode({ status: undefined, ...hidden }));
  }

  async #change(packet: UplinkPacket, route: Route, request: SettingsRequest): Promise<void> {
    const { userId } = route.identity;
    const { conversationId, hideSeqs } = request;
    if (hideSeqs.length > 0) await this.#requireThere(conversationId, userId, hideSeqs);
    const stored = await this.#conversations.changeSettings(userId, request, this.#clock.now());
    if (!stored) throw new FastimError('NOT_A_MEMBER');
    const { version, settings, changed } = stored;
    this.#answer.with(packet, settingsResponse.encode({ status: undefined, version, settings }));
    if (!changed) return;
    const piece = settingsPush.encode({ settings: [{ conversationId, version, settings }] });
    visitRoutes(
      this.#routes,
      userId,
      (other) => {
        if (other !== route) this.#toGate.push(other, Command.settingsPush, piece, packet.logId);
      },
      // The version in the heartbeat's mark repairs it.
      (error) => this.#answer.explain(error, packet.logId),
    );
  }

  async #requireThere(conversationId: bigint, userId: bigint, seqs: readonly number[]): Promise<void> {
    const membership = await this.#conversations.membership(conversationId, userId);
    if (!membership) throw new FastimError('NOT_A_MEMBER');
    // What is from before joining anew is left out by the storage; the device may have it still.
    if (seqs.some((seq) => seq < 1 || seq > membership.lastSeq)) throw new FastimError('CURSOR_INVALID');
  }
}

function requireDraft({ draft }: SettingsRequest): void {
  if (draft === undefined) return;
  if (draft.length > MAX_DRAFT) throw new FastimError('MESSAGE_TOO_LONG', `a draft is at most ${MAX_DRAFT} units`);
  if (draft.includes('\0')) throw new FastimError('MESSAGE_INVALID', 'the draft holds a NUL');
}
