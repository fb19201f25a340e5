import { ChevronLeft, X } from 'lucide-react';
import { IconButton } from '../design/controls.tsx';
import { useText } from '../i18n/use-text.ts';
import styles from './group-panel.module.css';

export function PanelHead({ title, onBack, onClose }: { title: string; onBack?: () => void; onClose(): void }) {
  const text = useText();
  return (
    <header className={styles.head}>
      {onBack ? (
        <IconButton label={text('app.back')} onClick={onBack} autoFocus>
          <ChevronLeft size={22} aria-hidden="true" />
        </IconButton>
      ) : null}
      <h2>{title}</h2>
      <IconButton label={text('app.close')} onClick={onClose}>
        <X size={20} aria-hidden="true" />
      </IconButton>
    </header>
  );
}
