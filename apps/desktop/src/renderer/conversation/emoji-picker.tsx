import { Search } from 'lucide-react';
import { type KeyboardEvent, useRef, useState } from 'react';
import { useIntl } from 'react-intl';
import { useText } from '../i18n/use-text.ts';
import { isTouch } from '../shell/use-layout.ts';
import { testIds } from '../test-ids.ts';
import { type Emoji, emojiGroups, findEmoji } from './emoji-data.ts';
import styles from './emoji-popup.module.css';
import { recentEmoji, rememberEmoji } from './recent-emoji.ts';

/** Search, what was used lately, and the rest by kind. Arrows walk, Enter picks. */
export default function EmojiPicker({ onPick }: { onPick(emoji: string): void }) {
  const text = useText();
  const [query, setQuery] = useState('');
  const [recent] = useState(() => recentEmoji(localStorage));
  const grid = useRef<HTMLDivElement>(null);
  const searching = query.trim() !== '';
  const found = searching ? findEmoji(query) : [];

  const pick = (emoji: string): void => {
    rememberEmoji(localStorage, emoji);
    onPick(emoji);
  };

  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    if (event.nativeEvent.isComposing) return;
    const all = [...(grid.current?.querySelectorAll<HTMLButtonElement>('button') ?? [])];
    const index = all.indexOf(document.activeElement as HTMLButtonElement);
    if (event.key === 'Enter' && index < 0) {
      event.preventDefault();
      all[0]?.click();
      return;
    }
    const next = neighbour(all, index, event.key);
    if (next === undefined) return;
    event.preventDefault();
    next.focus();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys belong to the search field and the buttons inside
    <div className={styles.picker} data-testid={testIds.emojiPicker} onKeyDown={onKeyDown}>
      <div className={styles.search}>
        <Search size={16} aria-hidden="true" />
        <input
          type="text"
          // biome-ignore lint/a11y/noAutofocus: the picker was opened to choose from
          autoFocus={!isTouch()}
          aria-label={text('message.searchEmoji')}
          placeholder={text('message.searchEmoji')}
          autoComplete="off"
          spellCheck={false}
          maxLength={40}
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          data-testid={testIds.emojiSearch}
        />
      </div>
      <div ref={grid} className={styles.grids}>
        {searching ? (
          found.length > 0 ? (
            <Grid emoji={found} onPick={pick} />
          ) : (
            <p className={styles.none}>{text('message.noEmoji')}</p>
          )
        ) : (
          <>
            {recent.length > 0 ? (
              <>
                <h3>{text('message.emojiRecent')}</h3>
                <Grid emoji={recent.map((emoji) => known(emoji))} onPick={pick} />
              </>
            ) : null}
            {emojiGroups.map(({ title, emoji }) => (
              <section key={title} aria-label={text(title)}>
                <h3>{text(title)}</h3>
                <Grid emoji={emoji} onPick={pick} />
              </section>
            ))}
          </>
        )}
      </div>
    </div>
  );
}

function Grid({ emoji, onPick }: { emoji: readonly Emoji[]; onPick(emoji: string): void }) {
  const { locale } = useIntl();
  return (
    <div className={styles.grid}>
      {emoji.map((one) => {
        const words = locale.startsWith('zh') ? one.chinese : one.english;
        return (
          <button
            key={one.emoji}
            type="button"
            aria-label={`${one.emoji} ${words}`}
            title={words}
            onClick={() => onPick(one.emoji)}
            data-testid={testIds.emoji}
            data-emoji={one.emoji}
          >
            {one.emoji}
          </button>
        );
      })}
    </div>
  );
}

const every = new Map(emojiGroups.flatMap(({ emoji }) => emoji).map((one) => [one.emoji, one]));

function known(emoji: string): Emoji {
  return every.get(emoji) ?? { emoji, english: '', chinese: '' };
}

/** Up and down by where the buttons stand; from the search field down to the first. */
function neighbour(all: readonly HTMLButtonElement[], index: number, key: string): HTMLButtonElement | undefined {
  if (index < 0) return key === 'ArrowDown' ? all[0] : undefined;
  if (key === 'ArrowRight') return all[index + 1];
  if (key === 'ArrowLeft') return all[index - 1];
  if (key !== 'ArrowDown' && key !== 'ArrowUp') return undefined;
  const from = all[index]!.getBoundingClientRect();
  const down = key === 'ArrowDown';
  const others = down ? all.slice(index + 1) : all.slice(0, index).reverse();
  const row = others.find((one) => Math.abs(one.getBoundingClientRect().top - from.top) > 4);
  if (!row) return undefined;
  const { top } = row.getBoundingClientRect();
  const inRow = others.filter((one) => Math.abs(one.getBoundingClientRect().top - top) <= 4);
  return inRow.reduce((best, one) =>
    Math.abs(one.getBoundingClientRect().left - from.left) < Math.abs(best.getBoundingClientRect().left - from.left)
      ? one
      : best,
  );
}
