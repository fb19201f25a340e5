import { Megaphone, X } from 'lucide-react';
import { useState } from 'react';
import type { ConversationView } from '../../bridge/contract.ts';
import { oneLine } from '../conversation/safe-text.ts';
import { IconButton } from '../design/controls.tsx';
import { useText } from '../i18n/use-text.ts';
import { useApp, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './announcement-bar.module.css';
import { isSeen, rememberSeen } from './seen-announcements.ts';

/** The announcement of a group over its messages, until it is dismissed on this device; a new one comes back. */
export function AnnouncementBar({ conversation }: { conversation: ConversationView }) {
  const announcement = conversation.group?.left === false ? conversation.group.announcement : '';
  if (announcement === '') return null;
  return <Bar key={announcement} conversationId={conversation.conversationId} announcement={announcement} />;
}

function Bar({ conversationId, announcement }: { conversationId: string; announcement: string }) {
  const ui = useUi();
  const text = useText();
  const me = useApp((state) => state.account?.user.userId ?? '');
  const [seen, setSeen] = useState(() => isSeen(localStorage, me, conversationId, announcement));
  if (seen) return null;
  return (
    <div className={styles.bar} data-testid={testIds.announcementBar}>
      <button
        type="button"
        className={styles.words}
        aria-label={text('group.openAnnouncement', { text: oneLine(announcement, 300) })}
        onClick={() => ui.app.setState({ panelFor: conversationId })}
      >
        <Megaphone size={16} aria-hidden="true" />
        <span>
          <b>{text('group.announcement')}</b>
          <bdi>{oneLine(announcement, 300)}</bdi>
        </span>
      </button>
      <IconButton
        label={text('group.dismissAnnouncement')}
        onClick={() => {
          rememberSeen(localStorage, me, conversationId, announcement);
          setSeen(true);
        }}
        data-testid={testIds.dismissAnnouncement}
      >
        <X size={16} aria-hidden="true" />
      </IconButton>
    </div>
  );
}
