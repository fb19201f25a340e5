import { useId, useState } from 'react';
import { join } from '../design/controls.tsx';
import { Logo } from '../design/logo.tsx';
import type { MessageId } from '../i18n/messages-en.ts';
import { useText } from '../i18n/use-text.ts';
import { useTotalUnsent } from '../shell/use-total-unsent.ts';
import { useApp, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './login.module.css';
import { LoginForm, type LoginMode } from './login-form.tsx';

const notices: Readonly<Record<string, MessageId>> = {
  'logged-out': 'login.noticeLoggedOut',
  banned: 'login.noticeBanned',
  upgrade: 'login.noticeUpgrade',
};

export function LoginScreen() {
  const ui = useUi();
  const text = useText();
  const [mode, setMode] = useState<LoginMode>('login');
  const account = useApp((state) => state.account);
  const suggested = useApp((state) => state.suggestedServerUrl);
  const ended = useApp((state) => (state.connection.state === 'ended' ? state.connection.reason : null));
  const invited = useApp((state) => state.joinLink !== null);
  const unsent = useTotalUnsent();
  const panelId = useId();
  const notice = ended === null ? undefined : notices[ended];

  return (
    <main className={styles.screen}>
      <div className={styles.card}>
        <header className={styles.head}>
          <Logo size={48} />
          <h1>{text(mode === 'login' ? 'login.welcome' : 'login.welcomeRegister')}</h1>
        </header>
        {notice ? <p className={styles.notice}>{text(notice)}</p> : null}
        {invited ? <p className={styles.notice}>{text('join.logInFirst')}</p> : null}
        {account && unsent > 0 ? (
          <p className={styles.notice} data-testid={testIds.loginUnsent}>
            {text('login.noticeUnsent', { unsent, username: account.user.username })}
          </p>
        ) : null}
        <div className={styles.tabs} role="tablist">
          {(['login', 'register'] as const).map((name) => (
            <button
              key={name}
              type="button"
              role="tab"
              aria-selected={mode === name}
              aria-controls={panelId}
              tabIndex={mode === name ? 0 : -1}
              className={join(styles.tab, mode === name && styles['tab-selected'])}
              onClick={() => setMode(name)}
              onKeyDown={(event) => {
                if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
                setMode(name === 'login' ? 'register' : 'login');
                const other = event.currentTarget.parentElement?.querySelector<HTMLElement>('[aria-selected=false]');
                other?.focus();
              }}
              data-testid={name === 'login' ? testIds.tabLogin : testIds.tabRegister}
            >
              {text(name === 'login' ? 'login.tabLogin' : 'login.tabRegister')}
            </button>
          ))}
        </div>
        <div id={panelId} role="tabpanel">
          <LoginForm mode={mode} serverUrl={account?.serverUrl ?? suggested} />
        </div>
        {account ? (
          <button type="button" className={styles.back} onClick={() => ui.app.setState({ loggingInAgain: false })}>
            {text('login.backToChats')}
          </button>
        ) : null}
      </div>
    </main>
  );
}
