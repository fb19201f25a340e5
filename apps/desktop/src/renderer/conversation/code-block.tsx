import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useText } from '../i18n/use-text.ts';
import styles from './message-text.module.css';

const saidMs = 2000;

export function CodeBlock({ language, code }: { language: string; code: string }) {
  const text = useText();
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), saidMs);
    return () => clearTimeout(timer);
  }, [copied]);
  const words = text(copied ? 'message.copied' : 'message.copyCode');
  return (
    <span className={styles['code-block']}>
      <span className={styles['code-head']}>
        <span>{language === '' ? text('message.code') : language}</span>
        <button
          type="button"
          aria-label={words}
          title={words}
          // Refused only where the browser forbids it to the page as a whole.
          onClick={() =>
            void navigator.clipboard.writeText(code).then(
              () => setCopied(true),
              () => {},
            )
          }
        >
          {copied ? <Check size={14} aria-hidden="true" /> : <Copy size={14} aria-hidden="true" />}
        </button>
      </span>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines can be scrolled with the keys */}
      <code tabIndex={0}>{code}</code>
    </span>
  );
}
