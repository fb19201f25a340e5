import { Check, Search, X } from 'lucide-react';
import { type KeyboardEvent, type RefObject, useEffect, useId, useRef, useState } from 'react';
import type { UserView } from '../../bridge/contract.ts';
import { oneLine } from '../conversation/safe-text.ts';
import { Avatar, join, Spinner } from '../design/controls.tsx';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './people-picker.module.css';
import { nameOf, usePeople } from './use-people.ts';

/** Users in one change of a group, as the server allows. */
export const mostPicked = 200;

/** Search, pick, see who was picked: the arrows walk through the people, Enter picks, Backspace takes the last one back. */
export function PeoplePicker(props: {
  picked: readonly UserView[];
  onChange(picked: readonly UserView[]): void;
  /** Members of this group cannot be picked. */
  group?: string;
  input: RefObject<HTMLInputElement | null>;
  /** Enter with nothing typed. */
  onSubmit(): void;
}) {
  const { picked, onChange, group, input, onSubmit } = props;
  const text = useText();
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const { people, state, members } = usePeople(query, group);
  const listId = useId();
  const chips = useRef<HTMLDivElement>(null);
  const isPicked = (userId: string) => picked.some((one) => one.userId === userId);
  const full = picked.length >= mostPicked;

  // biome-ignore lint/correctness/useExhaustiveDependencies: another query begins at its first result
  useEffect(() => setActive(0), [query]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the field stays in sight under the newest one
  useEffect(() => {
    chips.current?.scrollTo?.({ top: chips.current.scrollHeight });
  }, [picked.length]);

  const toggle = (user: UserView): void => {
    if (isPicked(user.userId)) onChange(picked.filter((one) => one.userId !== user.userId));
    else if (!full && !members.has(user.userId)) onChange([...picked, user]);
    else return;
    setQuery('');
    input.current?.focus();
  };

  const move = (to: number): void => {
    const next = Math.max(0, Math.min(people.length - 1, to));
    setActive(next);
    document.getElementById(`${listId}-${next}`)?.scrollIntoView({ block: 'nearest' });
  };

  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      move(active + (event.key === 'ArrowDown' ? 1 : -1));
    } else if (event.key === 'Enter') {
      event.preventDefault();
      const user = people[active];
      if (query.trim() === '' && picked.length > 0 && active === 0) onSubmit();
      else if (user) toggle(user);
    } else if (event.key === 'Backspace' && query === '' && picked.length > 0) {
      onChange(picked.slice(0, -1));
    }
  };

  return (
    <div className={styles.picker}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a click beside the chips goes to the field */}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field itself is in the tab order */}
      <div ref={chips} className={styles.chips} onClick={() => input.current?.focus()}>
        {picked.length === 0 ? <Search size={16} aria-hidden="true" /> : null}
        {picked.map((user) => (
          <button
            key={user.userId}
            type="button"
            className={styles.chip}
            aria-label={text('group.unpick', { name: nameOf(user) })}
            title={nameOf(user)}
            data-testid={testIds.personChip}
            data-user-id={user.userId}
            onClick={() => toggle(user)}
          >
            <Avatar id={user.userId} name={nameOf(user)} size={22} />
            <bdi>{oneLine(nameOf(user), 64)}</bdi>
            <X size={14} aria-hidden="true" />
          </button>
        ))}
        <input
          ref={input}
          type="text"
          role="combobox"
          aria-expanded
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={people[active] ? `${listId}-${active}` : undefined}
          aria-label={text('group.searchPeople')}
          placeholder={picked.length === 0 ? text('group.searchPeople') : ''}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={128}
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={onKeyDown}
          data-testid={testIds.peoplePicker}
        />
      </div>
      <div className={styles.people}>
        {/* A pointer in the list leaves the focus in the field. */}
        <div
          id={listId}
          role="listbox"
          aria-multiselectable
          aria-label={text('group.people')}
          tabIndex={-1}
          onPointerDown={(event) => event.preventDefault()}
        >
          {people.map((user, index) => (
            <Person
              key={user.userId}
              id={`${listId}-${index}`}
              user={user}
              active={index === active}
              picked={isPicked(user.userId)}
              member={members.has(user.userId)}
              onToggle={toggle}
            />
          ))}
        </div>
        <p className={styles.note} role="status">
          {full ? text('group.mostPicked', { count: mostPicked }) : null}
          {!full && state === 'searching' ? (
            <>
              <Spinner /> {text('chats.searching')}
            </>
          ) : null}
          {!full && state === 'offline' ? text('chats.searchOffline') : null}
          {!full && state === 'done' && people.length === 0
            ? text('group.nobodyFound', { query: oneLine(query, 40) })
            : null}
          {!full && state === 'idle' && people.length === 0 ? text('group.searchHint') : null}
        </p>
      </div>
    </div>
  );
}

function Person(props: {
  id: string;
  user: UserView;
  active: boolean;
  picked: boolean;
  member: boolean;
  onToggle(user: UserView): void;
}) {
  const { id, user, active, picked, member, onToggle } = props;
  const text = useText();
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field handles the keys
    <div
      id={id}
      role="option"
      tabIndex={-1}
      aria-selected={picked}
      aria-disabled={member || undefined}
      className={styles.person}
      data-active={active || undefined}
      data-testid={testIds.personOption}
      data-user-id={user.userId}
      onClick={() => onToggle(user)}
    >
      <Avatar id={user.userId} name={nameOf(user)} size={36} />
      <span className={styles.names}>
        <bdi>{oneLine(nameOf(user), 64)}</bdi>
        <span>{member ? text('group.alreadyMember') : `@${user.username}`}</span>
      </span>
      <span className={join(styles.box, picked && styles.checked, member && styles.hidden)}>
        <Check size={14} strokeWidth={3} aria-hidden="true" />
      </span>
    </div>
  );
}
