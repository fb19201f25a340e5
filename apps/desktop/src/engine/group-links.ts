import {
  Command,
  FastimError,
  type GroupLink,
  linksRequest,
  linksResponse,
  lookAtLinkRequest,
  lookAtLinkResponse,
  makeLinkRequest,
  makeLinkResponse,
  revokeLinkRequest,
  statusResponse,
} from '@fastim/protocol';
import type { Groups } from './groups.ts';
import type { LinkHolder } from './link-holder.ts';
import type { Names } from './names.ts';
import type { GroupLinkView, LinkPageView } from './views.ts';
import { wireId } from './wire-values.ts';

/** Links by which people join a group, and the page shown before. */
export class GroupLinks {
  readonly #holder: LinkHolder;
  readonly #groups: Groups;
  readonly #names: Names;
  readonly #serverUrl: string;

  constructor(parts: { holder: LinkHolder; groups: Groups; names: Names; serverUrl: string }) {
    this.#holder = parts.holder;
    this.#groups = parts.groups;
    this.#names = parts.names;
    this.#serverUrl = parts.serverUrl;
  }

  async list(conversationId: string): Promise<GroupLinkView[]> {
    const request = { conversationId: wireId(conversationId) };
    const answer = await this.#holder.request(Command.links, linksRequest, request, linksResponse);
    return answer.links.map((link) => this.#view(link));
  }

  make(params: { conversationId: string; expiresMs: number; maxUses: number }): Promise<GroupLinkView> {
    const { expiresMs, maxUses } = params;
    const conversationId = wireId(params.conversationId);
    return this.#groups.once(['link', params], undefined, async (clientMsgId) => {
      const request = { clientMsgId, conversationId, expiresMs, maxUses };
      const answer = await this.#holder.requestAgain(Command.makeLink, makeLinkRequest, request, makeLinkResponse);
      if (!answer.link) throw new FastimError('INTERNAL', 'the answer names no link');
      return this.#view(answer.link);
    });
  }

  async revoke(conversationId: string, token: string): Promise<void> {
    const request = { conversationId: wireId(conversationId), token };
    await this.#holder.request(Command.revokeLink, revokeLinkRequest, request, statusResponse);
  }

  async lookAt(link: string): Promise<LinkPageView> {
    const token = this.#tokenOf(link);
    const answer = await this.#holder.request(Command.lookAtLink, lookAtLinkRequest, { token }, lookAtLinkResponse);
    if (answer.inviter) await this.#groups.noteUsers([answer.inviter]);
    return {
      token,
      conversationId: answer.conversationId.toString(),
      name: answer.group?.name ?? '',
      avatarColor: answer.group?.avatarColor ?? 0,
      memberCount: answer.group?.memberCount ?? 0,
      joinApproval: answer.group?.joinApproval ?? false,
      inviterName: answer.inviter?.displayName || answer.inviter?.username || '',
      member: answer.member,
      requested: answer.requested,
    };
  }

  /** A server has many names (localhost, an address, a domain): the token decides, not the host of the URL. */
  #tokenOf(link: string): string {
    const trimmed = link.trim();
    const token = /^https?:\/\/[^/]+(?:\/.*)?\/join\/([^/?#]+)/i.exec(trimmed)?.[1] ?? trimmed;
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(token)) throw new FastimError('LINK_INVALID', 'not a link to a group');
    return token;
  }

  #view({ token, creatorId, expiresMs, maxUses, uses, createdMs }: GroupLink): GroupLinkView {
    return {
      token,
      url: `${this.#serverUrl}/join/${token}`,
      creatorName: this.#names.nameOf(creatorId.toString()),
      expiresMs,
      maxUses,
      uses,
      createdMs,
    };
  }
}
