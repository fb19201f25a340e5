import { CSPProvider } from '@base-ui/react/csp-provider';
import { useEffect, useMemo } from 'react';
import { IntlProvider } from 'react-intl';
import { Button, Spinner } from './design/controls.tsx';
import { Logo } from './design/logo.tsx';
import { catalogues, resolveLanguage } from './i18n/language.ts';
import { useText } from './i18n/use-text.ts';
import { LoginScreen } from './login/login-screen.tsx';
import { applyLook, rememberLook } from './shell/apply-look.ts';
import { ChatShell } from './shell/chat-shell.tsx';
import { CrashGuard } from './shell/crash-guard.tsx';
import styles from './shell/shell.module.css';
import { useTotalUnread } from './shell/use-total-unread.ts';
import type { Ui } from './state/ui.ts';
import { UiProvider, useApp, useUi } from './state/ui-context.tsx';
import { testIds } from './test-ids.ts';

export function App({ ui }: { ui: Ui }) {
  return (
    <UiProvider ui={ui}>
      <Localised />
    </UiProvider>
  );
}

function Localised() {
  const settings = useApp((state) => state.settings);
  const language = resolveLanguage(settings.language, navigator.languages);
  useEffect(() => {
    applyLook(document, settings, navigator.languages);
    rememberLook(localStorage, settings);
  }, [settings]);
  const intl = useMemo(() => ({ locale: language, messages: { ...catalogues[language] } }), [language]);
  return (
    // The policy of the page allows no style elements.
    <CSPProvider disableStyleElements>
      <IntlProvider {...intl}>
        <CrashGuard>
          <Screen />
        </CrashGuard>
        <BridgeBar />
        <PageTitle />
      </IntlProvider>
    </CSPProvider>
  );
}

function Screen() {
  const link = useApp((state) => state.link);
  const ready = useApp((state) => state.ready);
  const account = useApp((state) => state.account);
  const loggingInAgain = useApp((state) => state.loggingInAgain);
  if (link.state === 'refused') return <Refused error={link.error} />;
  if (!ready) return <Opening />;
  return account === null || loggingInAgain ? <LoginScreen /> : <ChatShell />;
}

function Refused({ error }: { error: Error }) {
  const ui = useUi();
  const text = useText();
  const wrongToken = 'closeCode' in error && error.closeCode === 4401;
  const noToken = error.name === 'TokenMissing';
  return (
    <main className={styles.center} data-testid={testIds.openPage}>
      <Logo size={56} />
      <h1>{text('bridge.refusedTitle')}</h1>
      {wrongToken ? <p>{text('bridge.refusedWrong')}</p> : null}
      {noToken || wrongToken ? <p>{text('bridge.refusedText')}</p> : <p>{error.message}</p>}
      <Button kind="quiet" onClick={() => ui.link.retry()}>
        {text('app.retry')}
      </Button>
    </main>
  );
}

function Opening() {
  const text = useText();
  return (
    <div className={styles.center} role="status">
      <Spinner />
      <span className="visually-hidden">{text('app.loading')}</span>
    </div>
  );
}

function BridgeBar() {
  const text = useText();
  const lost = useApp((state) => state.ready && (state.link.state === 'lost' || state.link.state === 'connecting'));
  if (!lost) return null;
  return (
    <div className={styles['bridge-bar']} role="status" data-testid={testIds.bridgeBar}>
      <Spinner />
      {text('bridge.lost')}
    </div>
  );
}

function PageTitle() {
  const text = useText();
  const unread = useTotalUnread();
  return <title>{unread > 0 ? `(${unread > 99 ? '99+' : unread}) ${text('app.name')}` : text('app.name')}</title>;
}
