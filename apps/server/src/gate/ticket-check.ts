/** Whether a client was sent here by an LSB: the port that the gate is given, since it knows no LSB. */
export interface TicketCheck {
  /** A good ticket is used up by this. */
  check(ticket: string): TicketVerdict;
}

export type TicketVerdict =
  | { readonly good: true; readonly userId: bigint }
  /** In words, for logs and the client. */
  | { readonly good: false; readonly why: string };
