import { CloudOff, RefreshCw, ShieldAlert, WifiOff } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { ConnectionView } from '../../bridge/contract.ts';
import { join, Spinner } from '../design/controls.tsx';
import { type Text, useText } from '../i18n/use-text.ts';
import { useApp, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './connection-bar.module.css';
import { useNow } from './use-now.ts';

/** Short interruptions are nobody's business. */
const showAfterMs = 1500;
const icon = { size: 14, strokeWidth: 2.25, 'aria-hidden': true } as const;

/** A thin bar over the content while something is wrong: words and an icon, and what can be done. */
export function ConnectionBar() {
  const ui = useUi();
  const connection = useApp((state) => state.connection);
  const troubled = connection.state !== 'online' && connection.state !== 'idle';
  const ended = connection.state === 'ended';
  const [late, setLate] = useState(false);

  useEffect(() => {
    if (!troubled) {
      setLate(false);
      return undefined;
    }
    return ui.surroundings.schedule(() => setLate(true), showAfterMs);
  }, [ui, troubled]);

  if (!troubled || !(late || ended)) return null;
  return <Bar connection={connection} />;
}

function Bar({ connection }: { connection: ConnectionView }) {
  const ui = useUi();
  const text = useText();
  const offline = connection.state === 'offline';
  const now = useNow(1000, offline);
  const seconds = offline ? Math.ceil((connection.retryAtMs - now) / 1000) : 0;
  return (
    <div
      className={join(styles.bar, connection.state === 'ended' && styles.ended, offline && styles.offline)}
      data-testid={testIds.connectionBar}
      data-state={connection.state}
    >
      <span className={styles.words} role="status">
        <Words connection={connection} />
      </span>
      {offline ? (
        <>
          {/* Outside the status: a screen reader does not count along. */}
          <span className={styles.countdown} aria-hidden="true">
            {seconds > 0 ? text('connection.retryIn', { seconds }) : text('connection.retryNow')}
          </span>
          <button
            type="button"
            className={styles.action}
            onClick={() => void ui.link.call('connection.retry', {}).catch(() => {})}
          >
            {text('app.retry')}
          </button>
        </>
      ) : null}
      {connection.state === 'ended' && connection.reason !== 'upgrade' ? (
        <button type="button" className={styles.action} onClick={() => ui.app.setState({ loggingInAgain: true })}>
          {text('connection.logInAgain')}
        </button>
      ) : null}
    </div>
  );
}

function Words({ connection }: { connection: ConnectionView }) {
  const text = useText();
  switch (connection.state) {
    case 'connecting':
      return (
        <>
          <Spinner />
          {text('connection.connecting')}
        </>
      );
    case 'syncing':
      return (
        <>
          <RefreshCw {...icon} />
          {text('connection.syncing')}
        </>
      );
    case 'offline':
      return (
        <>
          {connection.reason === 'network' ? <WifiOff {...icon} /> : <CloudOff {...icon} />}
          {offlineWords(text, connection.reason)}
        </>
      );
    case 'ended':
      return (
        <>
          <ShieldAlert {...icon} />
          {endedWords(text, connection.reason)}
        </>
      );
    default:
      return null;
  }
}

function offlineWords(text: Text, reason: 'network' | 'server' | 'overloaded'): string {
  if (reason === 'network') return text('connection.offlineNetwork');
  return text(reason === 'server' ? 'connection.offlineServer' : 'connection.offlineOverloaded');
}

function endedWords(text: Text, reason: 'logged-out' | 'banned' | 'upgrade'): string {
  if (reason === 'logged-out') return text('connection.endedLoggedOut');
  return text(reason === 'banned' ? 'connection.endedBanned' : 'connection.endedUpgrade');
}
