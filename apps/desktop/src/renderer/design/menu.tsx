import { Menu } from '@base-ui/react/menu';
import { ChevronRight } from 'lucide-react';
import type { ReactElement, ReactNode } from 'react';
import { join } from './controls.tsx';
import styles from './menu.module.css';

const side = { side: 'bottom', sideOffset: 4, collisionPadding: 8 } as const;

/** A menu that a button opens; on a phone a sheet. */
export function ButtonMenu(props: {
  button: ReactElement<Record<string, unknown>>;
  align?: 'start' | 'end';
  children: ReactNode;
}) {
  return (
    <Menu.Root>
      <Menu.Trigger render={props.button} />
      <Popup align={props.align ?? 'end'}>{props.children}</Popup>
    </Menu.Root>
  );
}

/** A menu at a place on the screen, opened from outside: the pointer, or the row that has the focus. */
export function PlacedMenu(props: {
  at: DOMRect;
  open: boolean;
  onClose(): void;
  /** Where the focus goes afterwards. */
  returnTo?: () => HTMLElement | null;
  children: ReactNode;
}) {
  const { at, open, onClose, returnTo, children } = props;
  return (
    <Menu.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Popup align="start" anchor={{ getBoundingClientRect: () => at }} {...(returnTo ? { finalFocus: returnTo } : {})}>
        {children}
      </Popup>
    </Menu.Root>
  );
}

function Popup(props: {
  align: 'start' | 'end';
  anchor?: { getBoundingClientRect(): DOMRect };
  finalFocus?: () => HTMLElement | null;
  children: ReactNode;
}) {
  const { align, anchor, finalFocus, children } = props;
  return (
    <Menu.Portal>
      <Menu.Backdrop className={styles.backdrop} />
      <Menu.Positioner className={styles.positioner} align={align} {...side} {...(anchor ? { anchor } : {})}>
        <Menu.Popup className={styles.popup} {...(finalFocus ? { finalFocus } : {})}>
          {children}
        </Menu.Popup>
      </Menu.Positioner>
    </Menu.Portal>
  );
}

export function MenuItem(props: {
  icon?: ReactNode;
  danger?: boolean;
  disabled?: boolean;
  testId?: string;
  children: ReactNode;
  onClick(): void;
}) {
  const { icon, danger, disabled, testId, children, onClick } = props;
  return (
    <Menu.Item
      className={join(styles.item, danger && styles.danger)}
      disabled={disabled ?? false}
      data-testid={testId}
      onClick={onClick}
    >
      {icon}
      {children}
    </Menu.Item>
  );
}

export function SubMenu(props: { icon?: ReactNode; label: string; testId?: string; children: ReactNode }) {
  return (
    <Menu.SubmenuRoot>
      <Menu.SubmenuTrigger className={styles.item} data-testid={props.testId}>
        {props.icon}
        <span className={styles.stretch}>{props.label}</span>
        <ChevronRight size={14} aria-hidden="true" />
      </Menu.SubmenuTrigger>
      <Menu.Portal>
        <Menu.Positioner className={styles.positioner} side="right" align="start" sideOffset={2} collisionPadding={8}>
          <Menu.Popup className={styles.popup}>{props.children}</Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.SubmenuRoot>
  );
}

export function MenuLine() {
  return <Menu.Separator className={styles.line} />;
}
