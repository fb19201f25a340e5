import { CircleAlert, CircleCheck, Globe, Lock, LockOpen } from 'lucide-react';
import type { ServerCheckStep } from '../../bridge/contract.ts';
import { Spinner } from '../design/controls.tsx';
import { errorWords } from '../i18n/error-words.ts';
import type { MessageId } from '../i18n/messages-en.ts';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './login.module.css';
import type { ServerCheck } from './use-server-check.ts';

const icon = { size: 14, strokeWidth: 2, 'aria-hidden': true } as const;

const stepWords: Readonly<Record<ServerCheckStep, MessageId>> = {
  address: 'serverCheck.address',
  tls: 'serverCheck.tls',
  timeout: 'serverCheck.timeout',
  'not-fastim': 'serverCheck.notFastim',
  version: 'serverCheck.version',
};

/** One line of fixed height under the address: who answers there, or what is wrong. */
export function ServerCheckLine({ check, id }: { check: ServerCheck; id: string }) {
  return (
    <p
      id={id}
      className={styles.check}
      role="status"
      data-testid={testIds.serverCheck}
      data-state={check.state === 'bad-address' || check.state === 'refused' ? 'failed' : check.state}
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
      return <Failed words={text(stepWords[check.step])} detail={check.detail} />;
    case 'refused': {
      const words = text('serverCheck.refused', { words: errorWords(text, check.failure.reason) });
      return <Failed words={words} detail={check.failure.detail} />;
    }
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
