import { AlertDialog } from '@base-ui/react/alert-dialog';
import { Dialog } from '@base-ui/react/dialog';
import { Keyboard, LogOut, X } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import type { SettingsView } from '../../bridge/contract.ts';
import { Avatar, Button, IconButton, Segmented } from '../design/controls.tsx';
import { errorWords, failureOf } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { modifierName } from '../shell/platform-keys.ts';
import { isTouch } from '../shell/use-layout.ts';
import { useTotalUnsent } from '../shell/use-total-unsent.ts';
import { useApp, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import { Devices } from './devices.tsx';
import { Privacy } from './privacy.tsx';
import styles from './settings.module.css';

/** Beside the panes: a dialog. */
export function SettingsDialog() {
  const ui = useUi();
  const text = useText();
  const open = useApp((state) => state.screen === 'settings');
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && ui.app.setState({ screen: 'chats' })}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.dialog}>
          <header className={styles.head}>
            <Dialog.Title>{text('settings.title')}</Dialog.Title>
            <Dialog.Close render={<IconButton label={text('app.close')} />}>
              <X size={20} aria-hidden="true" />
            </Dialog.Close>
          </header>
          <SettingsBody withShortcuts />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** On a phone: a page of the stack. */
export function SettingsPage() {
  const text = useText();
  return (
    <main className={styles.page}>
      <header className={styles.head}>
        <h1>{text('settings.title')}</h1>
      </header>
      <SettingsBody withShortcuts={!isTouch()} />
    </main>
  );
}

function SettingsBody({ withShortcuts }: { withShortcuts: boolean }) {
  const ui = useUi();
  const text = useText();
  const settings = useApp((state) => state.settings);
  const account = useApp((state) => state.account);
  const profile = useApp((state) => state.profile);
  const [problem, setProblem] = useState<string | null>(null);

  const change = async (patch: Partial<SettingsView>): Promise<void> => {
    const before = ui.app.getState().settings;
    ui.app.setState({ settings: { ...before, ...patch } });
    setProblem(null);
    try {
      ui.app.setState({ settings: await ui.link.call('settings.set', { patch }) });
    } catch (error) {
      ui.app.setState({ settings: before });
      setProblem(errorWords(text, failureOf(error).reason));
    }
  };

  const user = account?.user;
  const name = user ? user.displayName || user.username : '';
  return (
    <div className={styles.body}>
      {user ? (
        <section className={styles.me}>
          <Avatar id={user.userId} name={name} size={56} />
          <div>
            <h2>
              <bdi>{name}</bdi>
            </h2>
            <p>@{user.username}</p>
          </div>
        </section>
      ) : null}
      {problem === null ? null : (
        <p className={styles.problem} role="alert">
          {text('settings.saveFailed', { words: problem })}
        </p>
      )}
      <Section title={text('settings.appearance')}>
        <Row label={text('settings.theme')}>
          <Segmented
            name="theme"
            label={text('settings.theme')}
            value={settings.theme}
            choices={[
              { value: 'system', label: text('settings.themeSystem') },
              { value: 'light', label: text('settings.themeLight') },
              { value: 'dark', label: text('settings.themeDark') },
            ]}
            onChange={(theme) => void change({ theme })}
            testId={testIds.themeSelect}
          />
        </Row>
        <Row label={text('settings.language')}>
          <Segmented
            name="language"
            label={text('settings.language')}
            value={settings.language}
            choices={[
              { value: 'system', label: text('settings.languageSystem') },
              { value: 'en', label: 'English' },
              { value: 'zh-CN', label: '简体中文' },
            ]}
            onChange={(language) => void change({ language })}
            testId={testIds.languageSelect}
          />
        </Row>
      </Section>
      <Section title={text('settings.messages')}>
        <Row label={text('settings.sendKey')}>
          <Segmented
            name="sendKey"
            label={text('settings.sendKey')}
            value={settings.sendKey}
            choices={[
              { value: 'enter', label: text('settings.sendKeyEnter') },
              { value: 'ctrl-enter', label: text('settings.sendKeyCtrlEnter', { key: modifierName() }) },
            ]}
            onChange={(sendKey) => void change({ sendKey })}
            testId={testIds.sendKeySelect}
          />
        </Row>
        {withShortcuts ? (
          <button type="button" className={styles.link} onClick={() => ui.app.setState({ shortcutsOpen: true })}>
            <Keyboard size={18} aria-hidden="true" />
            {text('settings.shortcuts')}
          </button>
        ) : null}
      </Section>
      {account ? (
        <>
          <Section title={text('settings.privacy')}>
            <Privacy />
          </Section>
          <Section title={text('device.title')}>
            <Devices />
          </Section>
        </>
      ) : null}
      {account ? (
        <Section title={text('settings.account')}>
          <dl className={styles.facts}>
            <dt>{text('settings.server')}</dt>
            <dd>{account.serverUrl}</dd>
            <dt>{text('settings.profile')}</dt>
            <dd>{profile}</dd>
            <dt>{text('settings.device')}</dt>
            <dd title={account.deviceId}>{account.deviceId.slice(0, 8)}</dd>
          </dl>
          <LogOutButton />
        </Section>
      ) : null}
      <Section title={text('settings.about')}>
        <p className={styles.about}>
          {text('app.name')} · {text('settings.aboutText')}
        </p>
      </Section>
    </div>
  );
}

function LogOutButton() {
  const ui = useUi();
  const text = useText();
  const unsent = useTotalUnsent();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const logOut = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      ui.drafts.forget();
      await ui.link.call('account.logOut', {});
    } catch (error) {
      setProblem(errorWords(text, failureOf(error).reason));
    } finally {
      setBusy(false);
    }
  };

  return (
    <AlertDialog.Root>
      <AlertDialog.Trigger className={styles['danger-link']} data-testid={testIds.logOut}>
        <LogOut size={18} aria-hidden="true" />
        {text('settings.logOut')}
      </AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={styles.backdrop} />
        <AlertDialog.Popup className={styles.confirm}>
          <AlertDialog.Title>{text('settings.logOutTitle')}</AlertDialog.Title>
          <AlertDialog.Description>{text('settings.logOutText')}</AlertDialog.Description>
          {unsent === 0 ? null : (
            <p className={styles.warning} role="alert" data-testid={testIds.logOutUnsent}>
              {text('settings.logOutUnsent', { unsent })}
            </p>
          )}
          {problem === null ? null : (
            <p className={styles.problem} role="alert">
              {problem}
            </p>
          )}
          <div className={styles.choices}>
            <AlertDialog.Close render={<Button kind="quiet" />}>{text('app.cancel')}</AlertDialog.Close>
            <Button kind="danger" disabled={busy} onClick={() => void logOut()} data-testid={testIds.logOutConfirm}>
              {text('settings.logOut')}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className={styles.section}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Row({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={styles.row}>
      <span>{label}</span>
      {children}
    </div>
  );
}
