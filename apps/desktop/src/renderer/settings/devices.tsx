import { LogOut, MonitorSmartphone } from 'lucide-react';
import { useCallback, useEffect, useState } from 'react';
import { useIntl } from 'react-intl';
import type { DeviceView } from '../../bridge/contract.ts';
import { Button, join, Spinner } from '../design/controls.tsx';
import { Confirm, type Question } from '../design/dialog.tsx';
import { exactTime, listTime } from '../i18n/dates.ts';
import { errorWords, failureOf } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { useNow } from '../shell/use-now.ts';
import { useApp, useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './devices.module.css';

const refreshMs = 30 * 1000;

/** Where this account is logged in. A device that is logged out is gone from the list at once. */
export function Devices() {
  const ui = useUi();
  const text = useText();
  const online = useApp((state) => state.connection.state === 'online');
  const now = useNow(refreshMs);
  const [devices, setDevices] = useState<readonly DeviceView[] | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [question, setQuestion] = useState<Question | null>(null);

  const load = useCallback((): (() => void) => {
    let current = true;
    ui.link.call('devices.list', {}).then(
      (list) => {
        if (!current) return;
        setDevices(list);
        setFailed(null);
      },
      (error: unknown) => current && setFailed(failureOf(error).reason),
    );
    return () => {
      current = false;
    };
  }, [ui]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: read anew every half minute, and when the network is back
  useEffect(load, [load, now, online]);

  const end = async (sessionIds: readonly string[]): Promise<void> => {
    try {
      for (const sessionId of sessionIds) {
        await ui.link.call('devices.end', { sessionId }).catch((error: unknown) => {
          // Logged out there meanwhile.
          if (failureOf(error).reason !== 'NOT_FOUND') throw error;
        });
        setDevices((before) => before?.filter((one) => one.sessionId !== sessionId) ?? null);
      }
    } finally {
      load();
    }
  };

  const askOne = (device: DeviceView): void =>
    setQuestion({
      title: text('device.endTitle', { name: nameOf(device) }),
      text: text('device.endText'),
      action: text('device.end'),
      danger: true,
      run: () => end([device.sessionId]),
    });

  const nameOf = (device: DeviceView): string => device.deviceName.slice(0, 64) || text('device.unnamed');
  const others = (devices ?? []).filter(({ current }) => !current);

  if (devices === null) {
    return failed === null ? (
      <p className={styles.note}>
        <Spinner />
      </p>
    ) : (
      <div className={styles.note} role="alert">
        {errorWords(text, failed)}
        <Button kind="quiet" onClick={load}>
          {text('app.retry')}
        </Button>
      </div>
    );
  }
  return (
    <>
      <ul className={styles.list}>
        {[...devices]
          .sort((a, b) => Number(b.current) - Number(a.current) || b.lastSeenMs - a.lastSeenMs)
          .map((device) => (
            <DeviceRow key={device.sessionId} device={device} name={nameOf(device)} now={now} onEnd={askOne} />
          ))}
      </ul>
      {others.length === 0 ? (
        <p className={styles.none}>{text('device.none')}</p>
      ) : (
        <button
          type="button"
          className={styles.others}
          onClick={() =>
            setQuestion({
              title: text('device.endOthersTitle'),
              text: text('device.endOthersText', { count: others.length }),
              action: text('device.endOthers'),
              danger: true,
              run: () => end(others.map(({ sessionId }) => sessionId)),
            })
          }
          data-testid={testIds.endOtherDevices}
        >
          <LogOut size={18} aria-hidden="true" />
          {text('device.endOthers')}
        </button>
      )}
      <Confirm question={question} onClose={() => setQuestion(null)} />
    </>
  );
}

function DeviceRow(props: { device: DeviceView; name: string; now: number; onEnd(device: DeviceView): void }) {
  const { device, name, now, onEnd } = props;
  const intl = useIntl();
  const text = useText();
  const { current, online, lastSeenMs, createdMs } = device;
  const seen = current || online;
  return (
    <li
      className={styles.row}
      data-testid={testIds.deviceRow}
      data-session-id={device.sessionId}
      data-current={current || undefined}
    >
      <MonitorSmartphone size={20} aria-hidden="true" />
      <span className={styles.words}>
        <bdi>{name}</bdi>
        <span className={join(styles.state, seen && styles.online)} title={exactTime(intl, lastSeenMs)}>
          {current
            ? text('device.this')
            : online
              ? text('device.online')
              : text('device.lastSeen', { time: listTime(intl, text, lastSeenMs, now) })}
        </span>
        <span className={styles.state} title={exactTime(intl, createdMs)}>
          {text('device.loggedIn', { time: listTime(intl, text, createdMs, now) })}
        </span>
      </span>
      {current ? null : (
        <Button
          kind="quiet"
          aria-label={text('device.endLabel', { name })}
          onClick={() => onEnd(device)}
          data-testid={testIds.endDevice}
        >
          {text('device.end')}
        </Button>
      )}
    </li>
  );
}
