import { Check } from 'lucide-react';
import type { CSSProperties } from 'react';
import { avatarColours } from '../design/tokens.ts';
import { useText } from '../i18n/use-text.ts';
import styles from './group-form.module.css';

/** A native radio group underneath: one stop for Tab, the arrows choose. */
export function ColourPicker({ value, onChange }: { value: number; onChange(colour: number): void }) {
  const text = useText();
  return (
    <fieldset className={styles.colours} aria-label={text('group.colour')}>
      {avatarColours.map((colour, index) => (
        <label
          key={colour}
          className={styles.colour}
          style={{ '--avatar-colour': `var(--avatar-${index})` } as CSSProperties}
        >
          <input
            type="radio"
            name="avatar-colour"
            value={index}
            checked={index === value}
            aria-label={text('group.colourNumber', { number: index + 1 })}
            onChange={() => onChange(index)}
          />
          <Check size={16} strokeWidth={3} aria-hidden="true" />
        </label>
      ))}
    </fieldset>
  );
}
