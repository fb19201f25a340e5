import { type CSSProperties, useState } from 'react';
import { ConversationList } from '../conversation/conversation-list.tsx';
import { ConversationPane } from '../conversation/conversation-pane.tsx';
import { GroupDialogs } from '../groups/group-dialogs.tsx';
import { GroupPanelPlace } from '../groups/group-panel-place.tsx';
import { SettingsDialog, SettingsPage } from '../settings/settings.tsx';
import { ShortcutsDialog } from '../settings/shortcuts-dialog.tsx';
import { useApp } from '../state/ui-context.tsx';
import { ConnectionBar } from './connection-bar.tsx';
import { ListResizer, listWidths } from './list-resizer.tsx';
import { Rail, Tabs } from './rail.tsx';
import styles from './shell.module.css';
import { useClearMark } from './use-clear-mark.ts';
import { useHistoryBack } from './use-history-back.ts';
import { useLayout } from './use-layout.ts';
import { useShortcuts } from './use-shortcuts.ts';

const widthKey = 'fastim.list-width';

/** What is seen when logged in: one stack on a phone, panes side by side elsewhere. */
export function ChatShell() {
  const layout = useLayout();
  useShortcuts();
  useHistoryBack();
  useClearMark();
  return (
    <>
      {layout === 'phone' ? <Stack /> : <Panes />}
      <ShortcutsDialog />
      <GroupDialogs />
    </>
  );
}

function Stack() {
  const openId = useApp((state) => state.openConversationId);
  const screen = useApp((state) => state.screen);
  if (screen === 'chats' && openId !== null) {
    return (
      <div className={styles.stack}>
        <ConversationPane />
        <GroupPanelPlace />
      </div>
    );
  }
  return (
    <div className={styles.stack}>
      <div className={styles.level}>
        {screen === 'settings' ? <SettingsPage /> : <ConversationList />}
        <div className={styles['bar-place']}>
          <ConnectionBar />
        </div>
      </div>
      <Tabs />
    </div>
  );
}

function Panes() {
  const layout = useLayout();
  const [width, setWidth] = useState(() => Number(localStorage.getItem(widthKey)) || listWidths.usual);
  const change = (next: number) => {
    setWidth(next);
    localStorage.setItem(widthKey, String(next));
  };
  return (
    <div className={styles.panes} style={{ '--list-width': `${width}px` } as CSSProperties}>
      {layout === 'desktop' ? <Rail /> : null}
      <ConversationList />
      {layout === 'desktop' ? <ListResizer width={width} onChange={change} /> : null}
      <ConversationPane />
      <GroupPanelPlace />
      <SettingsDialog />
    </div>
  );
}
