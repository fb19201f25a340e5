import type { MemberSettings, SettingsRequest } from '@fastim/protocol';
import type { Database, Statement } from 'better-sqlite3';
import { plannedOnce } from '../planned-once.ts';
import type { CachedConversation, CachedMember, ConversationCache } from './conversation-cache.ts';

type SettingsRow = [silentUntilMs: number, pinnedMs: number, archived: number, hiddenVersion: number, draft: string];

/** A member's own view of a conversation, inside the caller's transaction. Those who left have one too. */
export class ChangeSettings {
  readonly #cache: ConversationCache;
  readonly #find: Statement<[number, bigint]>;
  readonly #update: Statement<[number, number, number, number, number, bigint]>;
  readonly #setDraft: Statement<[number, bigint, string]>;
  readonly #dropDraft: Statement<[number, bigint]>;
  readonly #hide: Statement<[number, bigint, number, number]>;

  constructor(database: Database, cache: ConversationCache) {
    this.#cache = cache;
    this.#find = database
      .prepare<[number, bigint]>(
        plannedOnce(`SELECT m.silent_until_ms, m.pinned_ms, m.archived, m.hidden_version, coalesce(d.draft, '')
         FROM member m LEFT JOIN draft d USING (conversation_no, user_id)
         WHERE m.conversation_no = ? AND m.user_id = ?`),
      )
      .raw();
    this.#update = database.prepare(
      `UPDATE member SET silent_until_ms = ?, pinned_ms = ?, archived = ?, hidden_version = ?
       WHERE conversation_no = ? AND user_id = ?`,
    );
    this.#setDraft = database.prepare(
      `INSERT INTO draft (conversation_no, user_id, draft) VALUES (?, ?, ?)
       ON CONFLICT (conversation_no, user_id) DO UPDATE SET draft = excluded.draft`,
    );
    this.#dropDraft = database.prepare('DELETE FROM draft WHERE conversation_no = ? AND user_id = ?');
    this.#hide = database.prepare(
      `INSERT INTO hidden_message (conversation_no, user_id, hidden_version, conv_seq) VALUES (?, ?, ?, ?)
       ON CONFLICT (conversation_no, user_id, conv_seq) DO NOTHING`,
    );
  }

  change(
    userId: bigint,
    change: SettingsRequest,
    nowMs: number,
  ): { version: number; settings: MemberSettings; changed: boolean } | undefined {
    const entry = this.#cache.get(change.conversationId);
    const member = entry && this.#cache.member(entry, userId);
    if (!entry || !member) return undefined;
    const row = this.#find.get(entry.conversationNo, userId) as SettingsRow;
    const [silentUntilMs, pinnedMs, archived, hiddenVersion, draft] = row;
    const before: MemberSettings = {
      silentUntilMs,
      pinnedMs,
      archived: archived === 1,
      markedUnread: member.markedUnread,
      draft,
      hiddenVersion,
    };
    const settings: MemberSettings = {
      silentUntilMs: change.silentUntilMs ?? before.silentUntilMs,
      pinnedMs: change.pinnedMs ?? before.pinnedMs,
      archived: change.archived ?? before.archived,
      markedUnread: change.markedUnread ?? before.markedUnread,
      draft: change.draft ?? before.draft,
      hiddenVersion: this.#hideAll(entry, member, change.hideSeqs, hiddenVersion),
    };
    const changed = (Object.keys(settings) as (keyof MemberSettings)[]).some((key) => settings[key] !== before[key]);
    if (changed) this.#store(entry, member, settings, settings.draft !== draft, nowMs);
    return { version: member.version, settings, changed };
  }

  /** Each message that was not hidden before takes the next version. Returns the last one. */
  #hideAll(entry: CachedConversation, member: CachedMember, convSeqs: readonly number[], before: number): number {
    let version = before;
    const last = member.leaveSeq || entry.headSeq;
    for (const convSeq of convSeqs) {
      if (!Number.isSafeInteger(convSeq) || convSeq < member.joinSeq || convSeq > last) continue;
      version += this.#hide.run(entry.conversationNo, member.userId, version + 1, convSeq).changes;
    }
    return version;
  }

  #store(
    entry: CachedConversation,
    member: CachedMember,
    settings: MemberSettings,
    draftChanged: boolean,
    nowMs: number,
  ): void {
    const { conversationNo } = entry;
    const { silentUntilMs, pinnedMs, archived, hiddenVersion, draft } = settings;
    this.#update.run(silentUntilMs, pinnedMs, archived ? 1 : 0, hiddenVersion, conversationNo, member.userId);
    if (draftChanged && draft === '') this.#dropDraft.run(conversationNo, member.userId);
    else if (draftChanged) this.#setDraft.run(conversationNo, member.userId, draft);
    member.markedUnread = settings.markedUnread;
    member.version += 1;
    member.changedMs = Math.max(member.changedMs, nowMs);
    this.#cache.touchMember(entry, member);
  }
}
