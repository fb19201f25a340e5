import { MessageCircle, Settings } from 'lucide-react';
import { Avatar, IconButton } from '../design/controls.tsx';
import { useText } from '../i18n/use-text.ts';
import { useApp, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './shell.module.css';
import { useTotalUnread } from './use-total-unread.ts';

/** The narrow column at the left of a wide window. */
export function Rail() {
  const ui = useUi();
  const text = useText();
  const user = useApp((state) => state.account?.user);
  const screen = useApp((state) => state.screen);
  const unread = useTotalUnread();
  const name = user ? user.displayName || user.username : '';
  return (
    <nav className={styles.rail} aria-label={text('nav.label')}>
      <button
        type="button"
        className={styles.me}
        title={name}
        aria-label={`${text('settings.account')}: ${name}`}
        onClick={() => ui.app.setState({ screen: 'settings' })}
      >
        <Avatar id={user?.userId ?? ''} name={name} size={36} />
      </button>
      <IconButton
        label={text('nav.chats')}
        aria-current={screen === 'chats' ? 'page' : undefined}
        className={styles.section}
        onClick={() => ui.app.setState({ screen: 'chats' })}
      >
        <MessageCircle size={22} aria-hidden="true" />
        <TotalBadge count={unread} />
      </IconButton>
      <span className={styles.stretch} />
      <IconButton
        label={text('nav.settings')}
        aria-current={screen === 'settings' ? 'page' : undefined}
        onClick={() => ui.app.setState({ screen: 'settings' })}
        data-testid={testIds.settingsButton}
      >
        <Settings size={22} aria-hidden="true" />
      </IconButton>
    </nav>
  );
}

/** The bottom tabs of a phone. */
export function Tabs() {
  const ui = useUi();
  const text = useText();
  const screen = useApp((state) => state.screen);
  const unread = useTotalUnread();
  return (
    <nav className={styles.tabs} aria-label={text('nav.label')}>
      <button
        type="button"
        aria-current={screen === 'chats' ? 'page' : undefined}
        onClick={() => ui.app.setState({ screen: 'chats' })}
      >
        <span className={styles.section}>
          <MessageCircle size={24} aria-hidden="true" />
          <TotalBadge count={unread} />
        </span>
        {text('nav.chats')}
      </button>
      <button
        type="button"
        aria-current={screen === 'settings' ? 'page' : undefined}
        onClick={() => ui.app.setState({ screen: 'settings' })}
        data-testid={testIds.settingsButton}
      >
        <Settings size={24} aria-hidden="true" />
        {text('nav.settings')}
      </button>
    </nav>
  );
}

function TotalBadge({ count }: { count: number }) {
  const text = useText();
  if (count === 0) return null;
  return (
    <span className={styles.total}>
      <span aria-hidden="true">{count > 99 ? '99+' : count}</span>
      <span className="visually-hidden">{text('nav.totalUnread', { count })}</span>
    </span>
  );
}
