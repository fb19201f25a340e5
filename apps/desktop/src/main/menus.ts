/** The menus that a window of plain web content lacks: editing keys on macOS, and a context menu for text. */
import type { ContextMenuParams, MenuItemConstructorOptions } from 'electron';
import type { Words } from './words.ts';

/** Roles only: nothing here reaches further than the page itself. */
export function applicationMenu(platform: NodeJS.Platform, developerTools: boolean): MenuItemConstructorOptions[] {
  const view: MenuItemConstructorOptions[] = [
    { role: 'resetZoom' },
    { role: 'zoomIn' },
    { role: 'zoomOut' },
    { type: 'separator' },
    { role: 'togglefullscreen' },
  ];
  if (developerTools) view.push({ type: 'separator' }, { role: 'reload' }, { role: 'toggleDevTools' });
  return [
    ...(platform === 'darwin' ? [{ role: 'appMenu' } as const] : []),
    { role: 'editMenu' },
    { label: 'View', submenu: view },
    { role: 'windowMenu' },
  ];
}

/** Empty: no menu is shown. */
export function textMenu(
  params: Pick<ContextMenuParams, 'isEditable' | 'selectionText' | 'editFlags'>,
  words: Words,
): MenuItemConstructorOptions[] {
  const { editFlags } = params;
  const selectAll = { role: 'selectAll', label: words.selectAll, enabled: editFlags.canSelectAll } as const;
  const copy = { role: 'copy', label: words.copy, enabled: editFlags.canCopy } as const;
  if (params.isEditable) {
    return [
      { role: 'undo', label: words.undo, enabled: editFlags.canUndo },
      { role: 'redo', label: words.redo, enabled: editFlags.canRedo },
      { type: 'separator' },
      { role: 'cut', label: words.cut, enabled: editFlags.canCut },
      copy,
      { role: 'paste', label: words.paste, enabled: editFlags.canPaste },
      { type: 'separator' },
      selectAll,
    ];
  }
  return params.selectionText.trim() === '' ? [] : [copy, selectAll];
}
