import type { InterestChange } from '../cluster/contract.ts';

/**
 * Which groups have followers at which gates, as the gates tell it, so that a group's message is one packet for each gate
 * that has somebody to give it to. Only a saving: a packet too many is dropped by the gate, and one too few (a gate said
 * "none any more" while somebody was on the way to it) is made good by the client's heartbeat.
 *
 * A gate that has not said everything yet gets everything.
 */
export class GateInterest {
  readonly #gates = new Map<string, { readonly followed: Set<bigint>; whole: boolean }>();

  mayFollow(gateId: string, conversationId: bigint): boolean {
    const gate = this.#gates.get(gateId);
    return !gate?.whole || gate.followed.has(conversationId);
  }

  change(gateId: string, { on, off, whole }: InterestChange): void {
    const { followed } = this.#of(gateId);
    for (const conversationId of on) followed.add(conversationId);
    for (const conversationId of off) followed.delete(conversationId);
    if (whole) this.#of(gateId).whole = true;
  }

  /** The gate is about to say so itself. */
  expect(gateId: string, groups: ReadonlyArray<{ conversationId: bigint }>): void {
    const gate = this.#gates.get(gateId);
    if (gate?.whole) for (const { conversationId } of groups) gate.followed.add(conversationId);
  }

  /** Another life of the gate, or of the link to it, begins or ends. */
  forget(gateId: string): void {
    this.#gates.delete(gateId);
  }

  #of(gateId: string): { readonly followed: Set<bigint>; whole: boolean } {
    let gate = this.#gates.get(gateId);
    if (!gate) {
      gate = { followed: new Set(), whole: false };
      this.#gates.set(gateId, gate);
    }
    return gate;
  }
}
