import type { Route } from '../routing/route-table.ts';
import type { RequestHeader } from '../routing/send-to-gate.ts';
import type { AppendRequest } from '../storage/message-store.ts';

/** A SEND that passed the rules and is not answered yet. */
export interface AcceptedSend extends RequestHeader {
  readonly route: Route;
  readonly append: AppendRequest;
}
