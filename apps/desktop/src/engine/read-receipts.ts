import { Command, readCountsRequest, readCountsResponse, readersRequest, readersResponse } from '@fastim/protocol';
import type { Groups } from './groups.ts';
import type { LinkHolder } from './link-holder.ts';
import type { ReadCountView, ReaderPageView } from './views.ts';
import { wireId } from './wire-values.ts';

/** Who has read a message of a group: counted by the server when somebody looks. */
export class ReadReceipts {
  readonly #holder: LinkHolder;
  readonly #groups: Groups;

  constructor(parts: { holder: LinkHolder; groups: Groups }) {
    this.#holder = parts.holder;
    this.#groups = parts.groups;
  }

  async counts(conversationId: string, convSeqs: readonly number[]): Promise<ReadCountView[]> {
    const request = { conversationId: wireId(conversationId), convSeqs: [...new Set(convSeqs)] };
    const answer = await this.#holder.request(Command.readCounts, readCountsRequest, request, readCountsResponse);
    return answer.counts;
  }

  async readers(params: {
    conversationId: string;
    convSeq: number;
    unread: boolean;
    after: string | null;
    limit: number;
  }): Promise<ReaderPageView> {
    const { convSeq, unread, after, limit } = params;
    const request = { conversationId: wireId(params.conversationId), convSeq, unread, after: after ?? '', limit };
    const answer = await this.#holder.request(Command.readers, readersRequest, request, readersResponse);
    const users = await this.#groups.noteUsers(answer.users);
    return { users, next: answer.next === '' ? null : answer.next };
  }
}
