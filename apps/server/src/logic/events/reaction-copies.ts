import { DedupeWindow } from '@fastim/core';
import { MessageKind } from '@fastim/protocol';
import type { AcceptedSend } from '../accepted-send.ts';
import { RECENT_SENDS } from '../logic-limits.ts';

/**
 * A reaction that changes nothing is not stored, so the storage knows no repeat of it when it sees one: a late copy, behind
 * a younger reaction that undid what was there, would have an effect of its own. So copies of a reaction on its way wait
 * for the answer to the first one, and those that changed nothing are remembered.
 */
export class ReactionCopies {
  readonly #underWay = new Map<string, AcceptedSend[]>();
  readonly #unchanged = new DedupeWindow<string, true>(RECENT_SENDS);

  /** Whether it changed nothing a while ago: that is its answer again. */
  wasUnchanged(send: AcceptedSend): boolean {
    return isReaction(send) && this.#unchanged.get(keyOf(send)) === true;
  }

  /** True: it waits for one like it that is on its way; else it is on its way itself, if `begin` says so. */
  waits(send: AcceptedSend): boolean {
    if (!isReaction(send)) return false;
    const copies = this.#underWay.get(keyOf(send));
    copies?.push(send);
    return copies !== undefined;
  }

  begin(send: AcceptedSend): void {
    if (isReaction(send)) this.#underWay.set(keyOf(send), []);
  }

  /** It has its answer; those returned get the same. */
  end(send: AcceptedSend): readonly AcceptedSend[] {
    if (!isReaction(send)) return none;
    const key = keyOf(send);
    const copies = this.#underWay.get(key) ?? none;
    this.#underWay.delete(key);
    return copies;
  }

  unchanged(send: AcceptedSend): void {
    this.#unchanged.remember(keyOf(send), true);
  }
}

const none: readonly AcceptedSend[] = [];

function isReaction({ append }: AcceptedSend): boolean {
  return append.kind === MessageKind.reaction;
}

function keyOf({ append }: AcceptedSend): string {
  return `${append.conversationId}/${append.senderId}/${Buffer.from(append.clientMsgId).toString('latin1')}`;
}
