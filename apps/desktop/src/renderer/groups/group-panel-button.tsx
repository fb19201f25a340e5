import { Info } from 'lucide-react';
import { IconButton } from '../design/controls.tsx';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './group-panel-place.module.css';
import { useGroupPanel } from './group-panel-place.tsx';

/** In the header of a group: shows and hides the panel. */
export function GroupPanelButton({ conversationId }: { conversationId: string }) {
  const text = useText();
  const { open, toggle } = useGroupPanel(conversationId);
  return (
    <IconButton
      label={text('group.info')}
      className={styles.button}
      aria-pressed={open}
      onClick={toggle}
      data-testid={testIds.groupPanelButton}
    >
      <Info size={20} aria-hidden="true" />
    </IconButton>
  );
}
