import { ChevronLeft, ChevronRight } from 'lucide-react';
import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { useIntl } from 'react-intl';
import { IconButton } from '../design/controls.tsx';
import { Modal } from '../design/dialog.tsx';
import { useText } from '../i18n/use-text.ts';
import { jumpToDate } from '../state/jump.ts';
import { useUi } from '../state/ui-context.tsx';
import { testIds } from '../test-ids.ts';
import styles from './message-dialogs.module.css';

/** A month of days; arrows walk, Page Up and Down turn the month, Enter goes there. Nothing after today. */
export default function DateDialog({ conversationId, onClose }: { conversationId: string; onClose(): void }) {
  const ui = useUi();
  const intl = useIntl();
  const text = useText();
  const today = startOfDay(new Date(ui.surroundings.now()));
  const [chosen, setChosen] = useState(today);
  const grid = useRef<HTMLTableElement>(null);
  const byKey = useRef(false);
  const firstDay = 1;
  const weeks = weeksOf(chosen, firstDay);

  const go = (day: Date): void => {
    onClose();
    void jumpToDate(ui, conversationId, day.getTime());
  };

  const move = (day: Date): void => setChosen(day > today ? today : day);

  useEffect(() => {
    if (!byKey.current) return;
    byKey.current = false;
    grid.current?.querySelector<HTMLElement>(`[data-day="${chosen.getTime()}"]`)?.focus();
  }, [chosen]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const days = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key];
    const months = { PageUp: -1, PageDown: 1 }[event.key];
    if (days === undefined && months === undefined) return;
    event.preventDefault();
    byKey.current = true;
    move(days === undefined ? addMonths(chosen, months ?? 0) : addDays(chosen, days));
  };

  const lastMonth = chosen.getFullYear() === today.getFullYear() && chosen.getMonth() === today.getMonth();
  return (
    <Modal title={text('message.dateTitle')} testId={testIds.dateDialog} onClose={onClose}>
      <div className={styles.calendar}>
        <div className={styles.month}>
          <IconButton label={text('message.previousMonth')} onClick={() => move(addMonths(chosen, -1))}>
            <ChevronLeft size={20} aria-hidden="true" />
          </IconButton>
          <h3 aria-live="polite">{intl.formatDate(chosen, { year: 'numeric', month: 'long' })}</h3>
          <IconButton label={text('message.nextMonth')} disabled={lastMonth} onClick={() => move(addMonths(chosen, 1))}>
            <ChevronRight size={20} aria-hidden="true" />
          </IconButton>
        </div>
        <table ref={grid} onKeyDown={onKeyDown}>
          <thead>
            <tr>
              {weeks[0]!.map((day) => (
                <th key={day.getDay()} scope="col" abbr={intl.formatDate(day, { weekday: 'long' })}>
                  {intl.formatDate(day, { weekday: 'narrow' })}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {weeks.map((week) => (
              <tr key={week[0]!.getTime()}>
                {week.map((day) => (
                  <td key={day.getTime()}>
                    <button
                      type="button"
                      tabIndex={day.getTime() === chosen.getTime() ? 0 : -1}
                      disabled={day > today}
                      aria-current={day.getTime() === today.getTime() ? 'date' : undefined}
                      aria-label={intl.formatDate(day, { dateStyle: 'full' })}
                      className={day.getMonth() === chosen.getMonth() ? styles.day : styles['other-day']}
                      onClick={() => go(day)}
                      data-day={day.getTime()}
                      data-testid={testIds.dateDay}
                    >
                      {day.getDate()}
                    </button>
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Modal>
  );
}

function startOfDay(date: Date): Date {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate());
}

function addDays(date: Date, days: number): Date {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days);
}

/** The same day of another month, or its last one. */
function addMonths(date: Date, months: number): Date {
  const last = new Date(date.getFullYear(), date.getMonth() + months + 1, 0).getDate();
  return new Date(date.getFullYear(), date.getMonth() + months, Math.min(date.getDate(), last));
}

/** Whole weeks that hold the month of the day. */
function weeksOf(date: Date, firstDay: number): Date[][] {
  const first = new Date(date.getFullYear(), date.getMonth(), 1);
  const offset = (first.getDay() - firstDay + 7) % 7;
  const last = new Date(date.getFullYear(), date.getMonth() + 1, 0);
  const count = Math.ceil((offset + last.getDate()) / 7);
  return Array.from({ length: count }, (_, week) =>
    Array.from({ length: 7 }, (__, day) => addDays(first, week * 7 + day - offset)),
  );
}
