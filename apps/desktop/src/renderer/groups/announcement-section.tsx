import { Pencil } from 'lucide-react';
import { useState } from 'react';
import type { GroupView } from '../../bridge/contract.ts';
import { IconButton } from '../design/controls.tsx';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './group-panel.module.css';
import { LinkedText } from './linked-text.tsx';

const shownLines = 6;

export function AnnouncementSection({ group, onEdit }: { group: GroupView; onEdit(): void }) {
  const text = useText();
  const [whole, setWhole] = useState(false);
  const { announcement } = group;
  if (announcement === '' && !group.can.edit) return null;
  const long = announcement.length > 240 || announcement.split('\n').length > shownLines;
  return (
    <section className={styles.section}>
      <div className={styles['section-head']}>
        <h3>{text('group.announcement')}</h3>
        {group.can.edit ? (
          <IconButton label={text('group.editAnnouncement')} onClick={onEdit} data-testid={testIds.editAnnouncement}>
            <Pencil size={15} aria-hidden="true" />
          </IconButton>
        ) : null}
      </div>
      {announcement === '' ? (
        <p className={styles.faint}>{text('group.noAnnouncement')}</p>
      ) : (
        <div className={long && !whole ? styles.clamped : styles.announcement} data-testid={testIds.announcement}>
          <LinkedText text={announcement} />
        </div>
      )}
      {long ? (
        <button type="button" className={styles.toggle} aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {text(whole ? 'chat.showLess' : 'chat.showMore')}
        </button>
      ) : null}
    </section>
  );
}
