import { type ReactNode, useMemo, useState } from 'react';
import type { MessageView } from '../../bridge/contract.ts';
import { join } from '../design/controls.tsx';
import { useText } from '../i18n/use-text.ts';
import { testIds } from '../test-ids.ts';
import { CodeBlock } from './code-block.tsx';
import { type Block, type ListItem, parseBlocks } from './markdown-blocks.ts';
import { type Inline, type Mention, parseInline } from './markdown-inline.ts';
import { namesForAll } from './mentions.ts';
import styles from './message-text.module.css';
import { clip, clipAt, createLinkFinder, cutMarks, drawAtMost, emojiCount } from './safe-text.ts';

/** Holds no state: the rules, made once. */
const findLinks = createLinkFinder();

/** The text of a message, with the people it mentions. */
export function MessageText({ message, me }: { message: MessageView; me: string }) {
  const mentions = useMemo(() => mentionsOf(message, me), [message, me]);
  return <RichText text={message.text} mentions={mentions} />;
}

const nobody: readonly Mention[] = [];

/** Any text of a person as safe nodes: a small part of markdown, links and mentions; never markup of its own. */
export function RichText({ text, mentions = nobody }: { text: string; mentions?: readonly Mention[] }) {
  const words = useText();
  const [whole, setWhole] = useState(false);
  const { blocks, clipped, emoji } = useMemo(() => {
    const shown = clip(cutMarks(text.slice(0, drawAtMost)), whole ? drawAtMost : clipAt);
    const cut = shown.clipped || text.length > drawAtMost;
    const count = emojiCount(text.slice(0, 65));
    const parsed: Block[] = count > 0 ? [{ kind: 'text', text: shown.text }] : parseBlocks(shown.text, cut);
    return { blocks: parsed, clipped: cut, emoji: count };
  }, [text, whole]);
  const canClip = text.length > clipAt;
  return (
    <>
      <span className={styles.text} data-testid={testIds.messageText} data-emoji={emoji || undefined}>
        {blocks.map((block, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the blocks of one text never move
          <BlockView key={index} block={block} mentions={mentions} last={index === blocks.length - 1} />
        ))}
        {clipped && !whole ? '…' : null}
      </span>
      {canClip ? (
        <button type="button" className={styles.more} aria-expanded={whole} onClick={() => setWhole(!whole)}>
          {words(whole ? 'chat.showLess' : 'chat.showMore')}
        </button>
      ) : null}
    </>
  );
}

function mentionsOf(message: MessageView, me: string): Mention[] {
  const named = message.mentions
    .filter(({ name }) => name !== '')
    .map(({ userId, name }) => ({ text: `@${name}`, me: userId === me }));
  const all = message.mentionAll ? namesForAll.map((name) => ({ text: `@${name}`, me: !message.mine })) : [];
  return [...named, ...all];
}

/** The last text stays in the line, so that the time can stand beside its end. */
function BlockView({ block, mentions, last }: { block: Block; mentions: readonly Mention[]; last: boolean }) {
  switch (block.kind) {
    case 'text':
      return (
        <span className={join(styles.paragraph, !last && styles.block)}>
          <Words text={block.text} mentions={mentions} />
        </span>
      );
    case 'quote':
      return (
        <blockquote className={styles.quote}>
          <Words text={block.text} mentions={mentions} />
        </blockquote>
      );
    case 'code':
      return <CodeBlock language={block.language} code={block.text} />;
    case 'list':
      return <List items={block.items} mentions={mentions} />;
  }
}

/** One level of markup, whatever the depth: the numbers are the ones that were typed. */
function List({ items, mentions }: { items: readonly ListItem[]; mentions: readonly Mention[] }) {
  return (
    <ul className={styles.list}>
      {items.map(({ number, depth, text }, index) => (
        <li
          // biome-ignore lint/suspicious/noArrayIndexKey: the items of one text never move
          key={index}
          style={{ marginLeft: `${depth * 18}px` }}
        >
          <span className={styles.sign}>{number === null ? '•' : `${number}.`}</span>
          <span>
            <Words text={text} mentions={mentions} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function Words({ text, mentions }: { text: string; mentions: readonly Mention[] }) {
  const nodes = useMemo(() => parseInline(text, findLinks, mentions), [text, mentions]);
  return nodes.map(draw);
}

function draw(node: Inline, key: number): ReactNode {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'code':
      return (
        <code key={key} className={styles.code}>
          {node.text}
        </code>
      );
    case 'link':
      return (
        <a
          key={key}
          href={node.href}
          title={node.href === node.text ? undefined : node.href}
          target="_blank"
          rel="noopener noreferrer"
        >
          {node.text}
        </a>
      );
    case 'mention':
      return (
        <span key={key} className={join(styles.mention, node.me && styles['mention-me'])} data-mention={node.me}>
          {node.text}
        </span>
      );
    case 'bold':
      return <strong key={key}>{node.children.map(draw)}</strong>;
    case 'italic':
      return <em key={key}>{node.children.map(draw)}</em>;
    case 'strike':
      return <s key={key}>{node.children.map(draw)}</s>;
  }
}
