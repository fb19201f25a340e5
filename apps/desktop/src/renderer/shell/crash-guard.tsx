import { Component, type ErrorInfo, type ReactNode } from 'react';
import { Button } from '../design/controls.tsx';
import { Logo } from '../design/logo.tsx';
import { useText } from '../i18n/use-text.ts';
import styles from './shell.module.css';

interface Crash {
  error: Error;
  where: string;
}

/** A fault in drawing ends here instead of in an empty page. What the user wrote is with the engine already. */
export class CrashGuard extends Component<{ children: ReactNode }, { crash: Crash | null }> {
  override state: { crash: Crash | null } = { crash: null };

  static getDerivedStateFromError(error: unknown): { crash: Crash } {
    return { crash: { error: error instanceof Error ? error : new Error(String(error)), where: '' } };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    this.setState({ crash: { error, where: info.componentStack ?? '' } });
  }

  override render(): ReactNode {
    const { crash } = this.state;
    return crash === null ? this.props.children : <Crashed crash={crash} />;
  }
}

function Crashed({ crash }: { crash: Crash }) {
  const text = useText();
  const details = `${crash.error.stack ?? crash.error.message}\n${crash.where}`;
  return (
    <main className={styles.center} role="alert">
      <Logo size={56} />
      <h1>{text('app.crashedTitle')}</h1>
      <p>{text('app.crashedText')}</p>
      <div className={styles.choices}>
        <Button onClick={() => location.reload()}>{text('app.reload')}</Button>
        <Button kind="quiet" onClick={() => void navigator.clipboard.writeText(details).catch(() => {})}>
          {text('app.copyDetails')}
        </Button>
      </div>
    </main>
  );
}
