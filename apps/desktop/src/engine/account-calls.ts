import type { AccountRuntime } from './account-runtime.ts';
import type { ClientApi } from './client-api.ts';

type Params<M extends keyof ClientApi> = Parameters<ClientApi[M]>[0];
type Result<M extends keyof ClientApi> = ReturnType<ClientApi[M]>;

/** The calls of a client that are about the account that is logged in: each goes to the part that does it. */
export abstract class AccountCalls {
  /** Rejects with a FastimError and nothing else; UNAUTHENTICATED when nobody is logged in. */
  protected abstract withAccount<T>(work: (account: AccountRuntime) => T | Promise<T>): Promise<T>;

  searchUsers({ query }: Params<'searchUsers'>): Result<'searchUsers'> {
    return this.withAccount((account) => account.searchUsers(query));
  }

  listConversations(): Result<'listConversations'> {
    return this.withAccount(({ parts }) => parts.viewer.list());
  }

  openDirect({ userId }: Params<'openDirect'>): Result<'openDirect'> {
    return this.withAccount((account) => account.openDirect(userId));
  }

  setOpenConversation({ conversationId }: Params<'setOpenConversation'>): Result<'setOpenConversation'> {
    return this.withAccount((account) => account.setOpenConversation(conversationId));
  }

  messagesPage({ conversationId, anchor, limit }: Params<'messagesPage'>): Result<'messagesPage'> {
    return this.withAccount(({ parts }) => parts.pages.read(conversationId, anchor, limit));
  }

  sendMessage(params: Params<'sendMessage'>): Result<'sendMessage'> {
    return this.withAccount(({ parts }) => {
      parts.typing.sent(params.conversationId);
      return parts.actions.send(params);
    });
  }

  editMessage(params: Params<'editMessage'>): Result<'editMessage'> {
    return this.withAccount(({ parts }) => parts.actions.edit(params));
  }

  recallMessage({ conversationId, convSeq }: Params<'recallMessage'>): Result<'recallMessage'> {
    return this.withAccount(({ parts }) => parts.actions.recall(conversationId, convSeq));
  }

  react({ conversationId, convSeq, emoji, on }: Params<'react'>): Result<'react'> {
    return this.withAccount(({ parts }) => parts.actions.react(conversationId, convSeq, emoji, on));
  }

  deleteForMe({ conversationId, convSeqs }: Params<'deleteForMe'>): Result<'deleteForMe'> {
    return this.withAccount(({ parts }) => parts.actions.deleteForMe(conversationId, convSeqs));
  }

  forwardMessages({ conversationId, convSeqs, to }: Params<'forwardMessages'>): Result<'forwardMessages'> {
    return this.withAccount(({ parts }) => parts.actions.forward(conversationId, convSeqs, to));
  }

  retryMessage({ key }: Params<'retryMessage'>): Result<'retryMessage'> {
    return this.withAccount(({ parts }) => parts.outbox.retry(key));
  }

  discardMessage({ key }: Params<'discardMessage'>): Result<'discardMessage'> {
    return this.withAccount(({ parts }) => parts.outbox.discard(key));
  }

  markRead({ conversationId, convSeq }: Params<'markRead'>): Result<'markRead'> {
    return this.withAccount(({ parts }) => parts.reading.markRead(conversationId, convSeq));
  }

  setDraft({ conversationId, text }: Params<'setDraft'>): Result<'setDraft'> {
    return this.withAccount(({ parts }) => parts.reading.setDraft(conversationId, text));
  }

  getPosition({ conversationId }: Params<'getPosition'>): Result<'getPosition'> {
    return this.withAccount(({ parts }) => parts.reading.row(conversationId).position);
  }

  setPosition({ conversationId, position }: Params<'setPosition'>): Result<'setPosition'> {
    return this.withAccount(({ parts }) => parts.reading.setPosition(conversationId, position));
  }

  setConversationSettings(params: Params<'setConversationSettings'>): Result<'setConversationSettings'> {
    const { conversationId, patch } = params;
    return this.withAccount(async ({ parts }) =>
      parts.viewer.conversation(await parts.reading.setSettings(conversationId, patch)),
    );
  }

  createGroup(params: Params<'createGroup'>): Result<'createGroup'> {
    return this.withAccount(({ parts }) => parts.groups.create(params));
  }

  changeGroup(params: Params<'changeGroup'>): Result<'changeGroup'> {
    return this.withAccount(({ parts }) => parts.groups.change(params));
  }

  groupMembers(params: Params<'groupMembers'>): Result<'groupMembers'> {
    return this.withAccount(({ parts }) => parts.groups.members(params));
  }

  groupLinks({ conversationId }: Params<'groupLinks'>): Result<'groupLinks'> {
    return this.withAccount(({ parts }) => parts.links.list(conversationId));
  }

  makeGroupLink(params: Params<'makeGroupLink'>): Result<'makeGroupLink'> {
    return this.withAccount(({ parts }) => parts.links.make(params));
  }

  revokeGroupLink({ conversationId, token }: Params<'revokeGroupLink'>): Result<'revokeGroupLink'> {
    return this.withAccount(({ parts }) => parts.links.revoke(conversationId, token));
  }

  lookAtLink({ link }: Params<'lookAtLink'>): Result<'lookAtLink'> {
    return this.withAccount(({ parts }) => parts.links.lookAt(link));
  }

  joinByLink(params: Params<'joinByLink'>): Result<'joinByLink'> {
    return this.withAccount(({ parts }) => parts.groups.join(params));
  }

  pendingJoins({ conversationId }: Params<'pendingJoins'>): Result<'pendingJoins'> {
    return this.withAccount(({ parts }) => parts.groups.pendingJoins(conversationId));
  }

  readCounts({ conversationId, convSeqs }: Params<'readCounts'>): Result<'readCounts'> {
    return this.withAccount(({ parts }) => parts.receipts.counts(conversationId, convSeqs));
  }

  readers(params: Params<'readers'>): Result<'readers'> {
    return this.withAccount(({ parts }) => parts.receipts.readers(params));
  }

  typing({ conversationId }: Params<'typing'>): Result<'typing'> {
    return this.withAccount(({ parts }) => {
      parts.reading.row(conversationId);
      parts.typing.tell(conversationId);
    });
  }

  watchPresence({ userIds }: Params<'watchPresence'>): Result<'watchPresence'> {
    return this.withAccount(({ parts }) => parts.presence.watch(userIds));
  }

  privacy(): Result<'privacy'> {
    return this.withAccount((account) => account.privacy());
  }

  setPrivacy({ showOnline }: Params<'setPrivacy'>): Result<'setPrivacy'> {
    return this.withAccount((account) => account.setPrivacy(showOnline));
  }

  devices(): Result<'devices'> {
    return this.withAccount((account) => account.devices());
  }

  endDevice({ sessionId }: Params<'endDevice'>): Result<'endDevice'> {
    return this.withAccount((account) => account.endDevice(sessionId));
  }

  searchMessages(params: Params<'searchMessages'>): Result<'searchMessages'> {
    return this.withAccount(({ parts }) => parts.search.page(params));
  }
}
