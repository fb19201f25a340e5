import { CircleAlert, CircleCheck, Globe, Lock, LockOpen } from 'lucide-react';
import { Spinner } from '../design/controls.tsx';
import { errorWords } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './login.module.css';
import type { ServerCheck } from './use-server-check.ts';

const icon = { size: 14, strokeWidth: 2, 'aria-hidden': true } as const;

/** One line of fixed height under the address: who answers there, or what is wrong. */
export function ServerCheckLine({ check, id }: { check: ServerCheck; id: string }) {
  return (
    <p
      id={id}
      className={styles.check}
      role="status"
      data-testid={testIds.serverCheck}
      data-state={check.state === 'bad-address' ? 'failed' : check.state}
    >
      <CheckWords check={check} />
    </p>
  );
}

function CheckWords({ check }: { check: ServerCheck }) {
  const text = useText();
  switch (check.state) {
    case 'idle':
      return (
        <>
          <Globe {...icon} />
          <span>{text('serverCheck.idle')}</span>
        </>
      );
    case 'checking':
      return (
        <>
          <span className={styles['check-spinner']}>
            <Spinner />
          </span>
          <span>{text('serverCheck.checking')}</span>
        </>
      );
    case 'bad-address':
      return <Failed words={text('serverCheck.badAddress')} />;
    case 'failed':
      return <Failed words={failedWords(text, check.failure.reason)} detail={check.failure.detail} />;
    case 'ok': {
      const { name, version, tls, latencyMs } = check.server;
      return (
        <>
          <CircleCheck {...icon} className={styles.good} />
          <span className={styles['check-name']}>{text('serverCheck.ok', { name, version })}</span>
          <span className={styles['check-tag']}>
            {tls ? <Lock {...icon} size={12} /> : <LockOpen {...icon} size={12} />}
            {text(tls ? 'serverCheck.secure' : 'serverCheck.insecure')}
          </span>
          <span className={styles['check-tag']}>
            {text('serverCheck.latency', { latency: Math.max(1, Math.round(latencyMs)) })}
          </span>
        </>
      );
    }
  }
}

function failedWords(text: ReturnType<typeof useText>, reason: string): string {
  if (reason === 'UNAVAILABLE') return text('serverCheck.unreachable');
  if (reason === 'UPGRADE_REQUIRED') return text('serverCheck.upgrade');
  return text('serverCheck.failed', { words: errorWords(text, reason) });
}

function Failed({ words, detail }: { words: string; detail?: string }) {
  return (
    <>
      <CircleAlert {...icon} className={styles.bad} />
      <span className={styles.bad} title={detail}>
        {words}
      </span>
    </>
  );
}
