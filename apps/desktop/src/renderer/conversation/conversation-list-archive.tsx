import { Archive, ChevronLeft } from 'lucide-react';
import { useMemo } from 'react';
import { IconButton } from '../design/controls.tsx';
import { useText } from '../i18n/use-text.ts';
import { useConversations } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './conversation-list.module.css';
import { standsOut } from './conversation-settings.ts';

export const archiveRowHeight = 44;

/** The conversations of the list and those in the archive, each in order. */
export function useSections(): { chats: readonly string[]; archived: readonly string[] } {
  const byId = useConversations((state) => state.byId);
  const order = useConversations((state) => state.order);
  // Ids only: the same ones are the same list, whatever else changed.
  const [chats, archived] = [false, true].map((wanted) =>
    order.filter((id) => (byId.get(id)?.archived ?? false) === wanted).join(),
  ) as [string, string];
  return useMemo(() => ({ chats: split(chats), archived: split(archived) }), [chats, archived]);
}

function split(ids: string): readonly string[] {
  return ids === '' ? [] : ids.split(',');
}

/** One row for the whole archive, above the first conversation. */
export function ArchiveRow({ ids, onOpen }: { ids: readonly string[]; onOpen(): void }) {
  const text = useText();
  const unread = useConversations(({ byId }) => ids.filter((id) => standsOut(byId.get(id)!)).length);
  return (
    <button
      type="button"
      className={styles['archive-row']}
      // In the narrow list its words are not drawn.
      aria-label={
        unread > 0
          ? `${text('list.archived')}, ${text('list.archivedUnread', { count: unread })}`
          : text('list.archived')
      }
      title={text('list.archived')}
      onClick={onOpen}
      data-testid={testIds.archiveRow}
    >
      <span>
        <Archive size={20} aria-hidden="true" />
      </span>
      <span>{text('list.archived')}</span>
      {unread > 0 ? <span className={styles['archive-count']}>{unread}</span> : null}
    </button>
  );
}

export function ArchiveHeader({ onBack }: { onBack(): void }) {
  const text = useText();
  return (
    <div className={styles['archive-header']}>
      <IconButton label={text('app.back')} onClick={onBack} autoFocus>
        <ChevronLeft size={22} aria-hidden="true" />
      </IconButton>
      <h2>{text('list.archived')}</h2>
    </div>
  );
}
