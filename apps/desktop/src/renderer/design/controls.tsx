import type { ButtonHTMLAttributes, CSSProperties, ReactNode } from 'react';
import styles from './controls.module.css';
import { avatarColours } from './tokens.ts';

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { kind?: 'primary' | 'quiet' | 'danger' };

export function Button({ kind = 'primary', className, type = 'button', ...rest }: ButtonProps) {
  return <button type={type} className={join(styles.button, styles[kind], className)} {...rest} />;
}

type IconButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { label: string; children?: ReactNode };

/** A button whose words are in its name and tooltip. */
export function IconButton({ label, className, type = 'button', ...rest }: IconButtonProps) {
  return (
    <button type={type} aria-label={label} title={label} className={join(styles['icon-button'], className)} {...rest} />
  );
}

export function Spinner() {
  return <span className={styles.spinner} aria-hidden="true" />;
}

/**
 * Initials on a colour that stays the same for one id, or on the one that was chosen. Decorative: the name always stands
 * beside it.
 */
export function Avatar(props: { id: string; name: string; size?: number; colour?: number | undefined }) {
  const { id, name, size = 40, colour } = props;
  const style = {
    '--avatar-size': `${size}px`,
    '--avatar-colour': `var(--avatar-${colour === undefined ? avatarIndex(id) : colour % avatarColours.length})`,
  } as CSSProperties;
  return (
    <span className={styles.avatar} style={style} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

export interface Choice<V extends string> {
  value: V;
  label: string;
}

/** A row of which one is chosen: a native radio group underneath. */
export function Segmented<V extends string>(props: {
  name: string;
  label: string;
  value: V;
  choices: readonly Choice<V>[];
  onChange(value: V): void;
  testId?: string;
}) {
  const { name, label, value, choices, onChange, testId } = props;
  return (
    <fieldset className={styles.segmented} aria-label={label} data-testid={testId}>
      {choices.map((choice) => (
        <label key={choice.value} className={styles.segment}>
          <input
            type="radio"
            name={name}
            value={choice.value}
            checked={choice.value === value}
            onChange={() => onChange(choice.value)}
          />
          {choice.label}
        </label>
      ))}
    </fieldset>
  );
}

export function join(...names: (string | false | undefined)[]): string {
  return names.filter(Boolean).join(' ');
}

const cjk = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

/** One character of a Chinese, Japanese or Korean name, else the first letters of the first and the last word. */
export function initials(name: string): string {
  const words = name
    .slice(0, 128)
    .normalize('NFC')
    .split(/[\s._-]+/u)
    .map((word) => word.replace(/[\p{C}\p{M}]/gu, ''))
    .filter(Boolean);
  const first = [...(words[0] ?? '')][0];
  if (first === undefined) return '?';
  const last = [...(words.at(-1) ?? '')][0]!;
  if (words.length === 1 || cjk.test(first) || cjk.test(last)) return first.toUpperCase();
  return (first + last).toUpperCase();
}

/** The colour of a person's avatar, and of their name in a group. */
export function avatarIndex(id: string): number {
  return hash(id) % avatarColours.length;
}

function hash(text: string): number {
  let value = 2166136261;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 16777619);
  }
  return value >>> 0;
}
