import { CircleAlert } from 'lucide-react';
import { errorWords, type Failure } from '../i18n/error-words.ts';
import { useText } from '../i18n/use-text.ts';
import { useNow } from '../shell/use-now.ts';
import { testIds } from '../test-ids.ts';
import styles from './login.module.css';

/** Seconds until the server lets us try again; 0: now. */
export function useWait(problem: (Failure & { atMs: number }) | null): number {
  const until = problem === null || problem.retryAfterMs === 0 ? 0 : problem.atMs + problem.retryAfterMs;
  const now = useNow(1000, until > 0);
  return until === 0 ? 0 : Math.max(0, Math.ceil((until - now) / 1000));
}

/** Below the button, so that nothing moves when it appears. */
export function FormError(props: { id: string; problem: Failure | null; waitSeconds: number }) {
  const { id, problem, waitSeconds } = props;
  const text = useText();
  return (
    <div id={id} className={styles['error-place']} role="alert">
      {problem === null ? null : (
        <p className={styles.error} data-testid={testIds.formError} data-reason={problem.reason} title={problem.detail}>
          <CircleAlert size={16} aria-hidden="true" />
          <span>
            {problem.reason === 'MISSING' ? text('login.required') : errorWords(text, problem.reason)}{' '}
            {waitSeconds > 0 ? text('login.waitSeconds', { seconds: waitSeconds }) : null}
          </span>
        </p>
      )}
    </div>
  );
}
