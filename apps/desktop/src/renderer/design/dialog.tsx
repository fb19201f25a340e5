import { AlertDialog } from '@base-ui/react/alert-dialog';
import { Dialog } from '@base-ui/react/dialog';
import { ChevronLeft, X } from 'lucide-react';
import { type ReactNode, type RefObject, useRef, useState } from 'react';
import { errorWords, failureOf } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import { Button, IconButton, join } from './controls.tsx';
import styles from './dialog.module.css';

/** A dialog in the middle of a wide window; on a phone it fills the screen. */
export function Modal(props: {
  open?: boolean;
  title: string;
  testId?: string;
  /** What has the focus first; else the dialog itself. */
  initialFocus?: RefObject<HTMLElement | null>;
  onBack?: (() => void) | undefined;
  onClose(): void;
  footer?: ReactNode;
  children: ReactNode;
}) {
  const { open = true, title, testId, initialFocus, onBack, onClose, footer, children } = props;
  const text = useText();
  const popup = useRef<HTMLDivElement>(null);
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup ref={popup} className={styles.dialog} data-testid={testId} initialFocus={initialFocus ?? popup}>
          <header className={styles.head}>
            {onBack ? (
              <IconButton label={text('app.back')} onClick={onBack}>
                <ChevronLeft size={22} aria-hidden="true" />
              </IconButton>
            ) : null}
            <Dialog.Title>{title}</Dialog.Title>
            <Dialog.Close render={<IconButton label={text('app.close')} />}>
              <X size={20} aria-hidden="true" />
            </Dialog.Close>
          </header>
          {children}
          {footer ? <footer className={styles.foot}>{footer}</footer> : null}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

export function Problem({ children }: { children: ReactNode }) {
  return (
    <p className={styles.problem} role="alert">
      {children}
    </p>
  );
}

export interface Question {
  title: string;
  text: string;
  action: string;
  danger?: boolean;
  /** Rejects with a `reason`: the dialog stays and says why. */
  run(): Promise<unknown>;
}

/** Asks before something that cannot be taken back. */
export function Confirm({ question, onClose }: { question: Question | null; onClose(): void }) {
  const text = useText();
  const [last, setLast] = useState<Question | null>(question);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  // The words stay while the dialog closes.
  if (question !== null && question !== last) {
    setLast(question);
    setProblem(null);
  }
  const shown = question ?? last;
  if (shown === null) return null;

  const run = async (): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      await shown.run();
      onClose();
    } catch (error) {
      setProblem(errorWords(text, failureOf(error).reason));
    } finally {
      setBusy(false);
    }
  };

  return (
    <AlertDialog.Root open={question !== null} onOpenChange={(next) => !next && onClose()}>
      <AlertDialog.Portal>
        {/* Also over another dialog. */}
        <AlertDialog.Backdrop forceRender className={join(styles.backdrop, styles.above)} />
        <AlertDialog.Popup className={styles.confirm}>
          <AlertDialog.Title>{shown.title}</AlertDialog.Title>
          <AlertDialog.Description>{shown.text}</AlertDialog.Description>
          {problem === null ? null : <Problem>{problem}</Problem>}
          <div className={styles.choices}>
            <AlertDialog.Close render={<Button kind="quiet" />}>{text('app.cancel')}</AlertDialog.Close>
            <Button
              kind={shown.danger ? 'danger' : 'primary'}
              disabled={busy}
              onClick={() => void run()}
              data-testid={testIds.confirm}
            >
              {shown.action}
            </Button>
          </div>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
