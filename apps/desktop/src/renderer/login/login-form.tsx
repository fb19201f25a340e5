import { Eye, EyeOff } from 'lucide-react';
import { type FormEvent, useId, useRef, useState } from 'react';
import { Button, IconButton, Spinner } from '../design/controls.tsx';
import { type Failure, failureOf } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import { Field } from './field.tsx';
import { FormError, useWait } from './form-error.tsx';
import styles from './login.module.css';
import { serverUrlOf } from './server-address.ts';
import { ServerCheckLine } from './server-check-line.tsx';
import { useServerCheck } from './use-server-check.ts';

export type LoginMode = 'login' | 'register';

/** Which field an answer speaks about: it is marked and gets the focus. */
const fieldOf: Readonly<Record<string, 'username' | 'password'>> = {
  NAME_TAKEN: 'username',
  NAME_INVALID: 'username',
  PASSWORD_INVALID: 'password',
  INVALID_CREDENTIALS: 'password',
};

interface Problem extends Failure {
  /** `now` when the answer came. */
  atMs: number;
}

/** Fields keep what was typed in them when the mode changes or an attempt fails. */
export function LoginForm({ mode, serverUrl }: { mode: LoginMode; serverUrl: string }) {
  const ui = useUi();
  const text = useText();
  const [address, setAddress] = useState(serverUrl);
  const check = useServerCheck(address);
  const [username, setUsername] = useState('');
  const [displayName, setDisplayName] = useState('');
  const [password, setPassword] = useState('');
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const waitSeconds = useWait(problem);
  const form = useRef<HTMLFormElement>(null);
  const errorId = useId();
  const registering = mode === 'register';

  const fail = (failure: Failure, field = fieldOf[failure.reason]): void => {
    setProblem({ ...failure, atMs: ui.surroundings.now() });
    if (field) focus(field);
  };

  const focus = (name: string): void => {
    form.current?.querySelector<HTMLInputElement>(`input[name="${name}"]`)?.focus();
  };

  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    if (busy || waitSeconds > 0) return;
    const target = serverUrlOf(address);
    const missing =
      target === null ? 'server' : username.trim() === '' ? 'username' : password === '' ? 'password' : null;
    if (missing !== null || target === null) {
      setProblem({ reason: 'MISSING', detail: '', retryAfterMs: 0, atMs: ui.surroundings.now() });
      focus(missing ?? 'server');
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      const name = username.trim();
      await (registering
        ? ui.link.call('account.register', {
            serverUrl: target,
            username: name,
            displayName: displayName.trim(),
            password,
          })
        : ui.link.call('account.logIn', { serverUrl: target, username: name, password }));
    } catch (error) {
      fail(failureOf(error));
    } finally {
      setBusy(false);
    }
  };

  const marked = problem === null ? undefined : fieldOf[problem.reason];
  const described = (field: string) => (marked === field ? { invalid: true, describedBy: errorId } : {});

  return (
    <form ref={form} className={styles.form} onSubmit={submit} noValidate data-testid={testIds.loginForm}>
      <Field
        label={text('login.server')}
        name="server"
        type="url"
        inputMode="url"
        autoComplete="url"
        spellCheck={false}
        autoCapitalize="none"
        value={address}
        onChange={setAddress}
        testId={testIds.serverUrl}
        invalid={check.state === 'bad-address'}
        hint={(id) => <ServerCheckLine id={id} check={check} />}
      />
      <Field
        label={text('login.username')}
        name="username"
        type="text"
        autoComplete="username"
        spellCheck={false}
        autoCapitalize="none"
        maxLength={128}
        autoFocus
        value={username}
        onChange={setUsername}
        testId={testIds.username}
        {...(registering ? { hintText: text('login.usernameHint') } : {})}
        {...described('username')}
      />
      {registering ? (
        <Field
          label={text('login.displayName')}
          placeholder={text('login.displayNameHint')}
          name="displayName"
          type="text"
          autoComplete="name"
          maxLength={128}
          value={displayName}
          onChange={setDisplayName}
          testId={testIds.displayName}
        />
      ) : null}
      <Field
        label={text('login.password')}
        name="password"
        type={shown ? 'text' : 'password'}
        autoComplete={registering ? 'new-password' : 'current-password'}
        spellCheck={false}
        autoCapitalize="none"
        maxLength={1024}
        value={password}
        onChange={setPassword}
        testId={testIds.password}
        {...(registering ? { hintText: text('login.passwordHint') } : {})}
        {...described('password')}
      >
        <IconButton
          label={text(shown ? 'login.hidePassword' : 'login.showPassword')}
          aria-pressed={shown}
          className={styles.eye}
          onClick={() => setShown(!shown)}
        >
          {shown ? <EyeOff size={18} aria-hidden="true" /> : <Eye size={18} aria-hidden="true" />}
        </IconButton>
      </Field>
      <Button type="submit" className={styles.submit} disabled={busy || waitSeconds > 0} data-testid={testIds.submit}>
        {busy ? <Spinner /> : null}
        {text(
          busy
            ? registering
              ? 'login.busyRegister'
              : 'login.busyLogin'
            : registering
              ? 'login.submitRegister'
              : 'login.submitLogin',
        )}
      </Button>
      <FormError id={errorId} problem={problem} waitSeconds={waitSeconds} />
    </form>
  );
}
