import { useIntl } from 'react-intl';
import type { MessageView, ReactionView } from '../../bridge/contract.ts';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import styles from './message-reactions.module.css';

const namesShown = 12;

/** What was answered with an emoji: pressed where I did. The names are in the tooltip and in the accessible name. */
export function MessageReactions(props: {
  message: MessageView;
  /** Reacting is allowed now. */
  open: boolean;
  onToggle(emoji: string, on: boolean): void;
}) {
  const { message, open, onToggle } = props;
  const intl = useIntl();
  const text = useText();
  const words = ({ emoji, count, names }: ReactionView): string => {
    const shown = names.slice(0, namesShown).map((name) => name.slice(0, 40));
    if (shown.length === 0) return text('message.reactionCount', { emoji, count });
    const rest = count - shown.length;
    if (rest > 0) shown.push(text('message.more', { count: rest }));
    return text('message.reactionNames', { emoji, names: intl.formatList(shown) });
  };
  return (
    <div className={styles.reactions} data-testid={testIds.reactions}>
      {message.reactions.map((reaction) => (
        <button
          key={reaction.emoji}
          type="button"
          tabIndex={-1}
          className={styles.reaction}
          aria-pressed={reaction.mine}
          aria-label={words(reaction)}
          title={words(reaction)}
          disabled={!open}
          onClick={() => onToggle(reaction.emoji, !reaction.mine)}
          data-testid={testIds.reaction}
          data-emoji={reaction.emoji}
        >
          <span>{reaction.emoji.slice(0, 32)}</span>
          <span>{reaction.count > 999 ? '999+' : reaction.count}</span>
        </button>
      ))}
    </div>
  );
}
