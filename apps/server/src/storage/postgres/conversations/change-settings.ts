import type { MemberSettings, SettingsRequest } from '@fastim/protocol';
import type { Queries } from '../connection/queries.ts';
import { readText, storedId, storedText } from '../connection/stored-values.ts';

const LOCK = `SELECT join_seq, leave_seq, version, silent_until_ms, pinned_ms, archived, marked_unread, hidden_version
  FROM member WHERE conversation_id = $1 AND user_id = $2 FOR NO KEY UPDATE`;
/** A statement of its own: one that had to wait for the lock would see the draft as it was before. */
const READ = `SELECT c.head_seq, d.draft FROM conversation c
  LEFT JOIN draft d ON d.conversation_id = c.conversation_id AND d.user_id = $2
  WHERE c.conversation_id = $1`;
const HIDDEN = `SELECT conv_seq FROM hidden_message
  WHERE conversation_id = $1 AND user_id = $2 AND conv_seq = ANY ($3::bigint[])`;
const HIDE = `INSERT INTO hidden_message (conversation_id, user_id, hidden_version, conv_seq)
  SELECT $1::bigint, $2::bigint, $3::bigint + place, conv_seq
  FROM unnest($4::bigint[]) WITH ORDINALITY AS hide (conv_seq, place)`;
const UPDATE = `UPDATE member SET silent_until_ms = $3, pinned_ms = $4, archived = $5, marked_unread = $6,
    hidden_version = $7, version = version + 1, changed_ms = greatest(changed_ms, $8)
  WHERE conversation_id = $1 AND user_id = $2`;
const SET_DRAFT = `INSERT INTO draft (conversation_id, user_id, draft) VALUES ($1, $2, $3)
  ON CONFLICT (conversation_id, user_id) DO UPDATE SET draft = excluded.draft`;
const DROP_DRAFT = 'DELETE FROM draft WHERE conversation_id = $1 AND user_id = $2';

type LockedRow = readonly [
  joinSeq: bigint,
  leaveSeq: bigint,
  version: bigint,
  silentUntilMs: bigint,
  pinnedMs: bigint,
  archived: boolean,
  markedUnread: boolean,
  hiddenVersion: bigint,
];

/** A member's own view of a conversation, inside the caller's transaction. Those who left have one too. */
export async function changeSettings(
  queries: Queries,
  userId: bigint,
  change: SettingsRequest,
  nowMs: number,
): Promise<{ version: number; settings: MemberSettings; changed: boolean } | undefined> {
  const key = [storedId(change.conversationId), storedId(userId)];
  const [[locked], [read]] = await Promise.all([
    queries.arrays<LockedRow>(LOCK, key),
    queries.arrays<readonly [bigint, Uint8Array | null]>(READ, key),
  ]);
  if (!locked || !read) return undefined;
  const [joinSeq, leaveSeq, version, silentUntilMs, pinnedMs, archived, markedUnread, hiddenVersion] = locked;
  const [headSeq, draft] = read;
  const before: MemberSettings = {
    silentUntilMs: Number(silentUntilMs),
    pinnedMs: Number(pinnedMs),
    archived,
    markedUnread,
    draft: draft ? readText(draft) : '',
    hiddenVersion: Number(hiddenVersion),
  };
  const last = Number(leaveSeq > 0n ? leaveSeq : headSeq);
  const visible = change.hideSeqs.filter(
    (convSeq) => Number.isSafeInteger(convSeq) && convSeq >= Number(joinSeq) && convSeq <= last,
  );
  const hidden = await hide(queries, key, [...new Set(visible)], before.hiddenVersion);
  const settings: MemberSettings = {
    silentUntilMs: change.silentUntilMs ?? before.silentUntilMs,
    pinnedMs: change.pinnedMs ?? before.pinnedMs,
    archived: change.archived ?? before.archived,
    markedUnread: change.markedUnread ?? before.markedUnread,
    draft: change.draft ?? before.draft,
    hiddenVersion: hidden,
  };
  const changed = (Object.keys(settings) as (keyof MemberSettings)[]).some((name) => settings[name] !== before[name]);
  if (changed) await store(queries, key, settings, before, nowMs);
  return { version: Number(version) + (changed ? 1 : 0), settings, changed };
}

/** Each message that was not hidden before takes the next version. Returns the last one. */
async function hide(
  queries: Queries,
  key: readonly bigint[],
  convSeqs: readonly number[],
  before: number,
): Promise<number> {
  if (convSeqs.length === 0) return before;
  const rows = await queries.arrays<readonly [bigint]>(HIDDEN, [...key, convSeqs]);
  const hidden = new Set(rows.map(([convSeq]) => Number(convSeq)));
  const added = convSeqs.filter((convSeq) => !hidden.has(convSeq));
  if (added.length > 0) await queries.run(HIDE, [...key, before, added]);
  return before + added.length;
}

async function store(
  queries: Queries,
  key: readonly bigint[],
  settings: MemberSettings,
  before: MemberSettings,
  nowMs: number,
): Promise<void> {
  const { silentUntilMs, pinnedMs, archived, markedUnread, hiddenVersion, draft } = settings;
  const values = [...key, silentUntilMs, pinnedMs, archived, markedUnread, hiddenVersion, nowMs];
  const writes = [queries.run(UPDATE, values)];
  if (draft !== before.draft) {
    writes.push(draft === '' ? queries.run(DROP_DRAFT, key) : queries.run(SET_DRAFT, [...key, storedText(draft)]));
  }
  await Promise.all(writes);
}
