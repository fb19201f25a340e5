import { type InputHTMLAttributes, type ReactNode, useId } from 'react';
import { join } from '../design/controls.tsx';
import styles from './login.module.css';

type FieldProps = Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value' | 'id' | 'className'> & {
  label: string;
  value: string;
  onChange(value: string): void;
  testId: string;
  hintText?: string;
  /** Own content below the input, given the id to describe it by. */
  hint?(id: string): ReactNode;
  invalid?: boolean;
  /** The id of what else describes the field: an error. */
  describedBy?: string;
  /** A button inside the input's frame. */
  children?: ReactNode;
};

export function Field(props: FieldProps) {
  const { label, value, onChange, testId, hintText, hint, invalid = false, describedBy, children, ...input } = props;
  const id = useId();
  const hintId = `${id}-hint`;
  const hasHint = hint !== undefined || hintText !== undefined;
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <div className={join(styles.frame, invalid && styles.invalid)}>
        <input
          {...input}
          id={id}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          aria-invalid={invalid || undefined}
          aria-describedby={join(hasHint && hintId, describedBy) || undefined}
          data-testid={testId}
        />
        {children}
      </div>
      {hint?.(hintId)}
      {hintText === undefined ? null : (
        <p id={hintId} className={styles.hint}>
          {hintText}
        </p>
      )}
    </div>
  );
}
