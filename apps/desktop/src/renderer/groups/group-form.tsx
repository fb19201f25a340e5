import { type RefObject, useId } from 'react';
import { Avatar } from '../design/controls.tsx';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import { ColourPicker } from './colour-picker.tsx';
import styles from './group-form.module.css';

/** UTF-16 units, as the server counts them. */
export const longestName = 64;

/** Name and colour of a group, and how it will look. */
export function GroupForm(props: {
  name: string;
  colour: number;
  input: RefObject<HTMLInputElement | null>;
  onName(name: string): void;
  onColour(colour: number): void;
  onSubmit(): void;
}) {
  const { name, colour, input, onName, onColour, onSubmit } = props;
  const text = useText();
  const inputId = useId();
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      <Avatar id="" name={name} colour={colour} size={72} />
      <label htmlFor={inputId}>{text('group.name')}</label>
      <input
        ref={input}
        id={inputId}
        type="text"
        className={styles.field}
        autoComplete="off"
        maxLength={longestName}
        value={name}
        onChange={(event) => onName(event.target.value)}
        data-testid={testIds.groupName}
      />
      <span className={styles.label}>{text('group.colour')}</span>
      <ColourPicker value={colour} onChange={onColour} />
    </form>
  );
}
