import { type KeyboardEvent, type PointerEvent, useRef } from 'react';
import { useText } from '../i18n/use-text.ts';
import styles from './shell.module.css';

export const listWidths = { least: 240, most: 420, usual: 304 } as const;

/** Drags the border between list and conversation; the arrow keys do the same, a double click sets it back. */
export function ListResizer({ width, onChange }: { width: number; onChange(width: number): void }) {
  const text = useText();
  const from = useRef<{ x: number; width: number } | null>(null);
  const set = (next: number) => onChange(Math.round(Math.max(listWidths.least, Math.min(listWidths.most, next))));

  const onPointerMove = (event: PointerEvent): void => {
    if (from.current) set(from.current.width + event.clientX - from.current.x);
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    set(width + step);
  };

  return (
    // biome-ignore lint/a11y/useSemanticElements: an <hr> cannot be moved
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label={text('chats.resize')}
      aria-valuenow={width}
      aria-valuemin={listWidths.least}
      aria-valuemax={listWidths.most}
      tabIndex={0}
      className={styles.resizer}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = { x: event.clientX, width };
      }}
      onPointerMove={onPointerMove}
      onPointerUp={() => {
        from.current = null;
      }}
      onDoubleClick={() => onChange(listWidths.usual)}
      onKeyDown={onKeyDown}
    />
  );
}
