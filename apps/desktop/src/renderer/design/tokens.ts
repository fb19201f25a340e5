/**
 * Every colour and length of the app, once. The build turns this file into CSS custom properties (`--text`,
 * `--my-bubble-meta`, …) and the contrast test reads the same values, so what is shown is what was checked.
 */

export type ThemeName = 'light' | 'dark';

interface ThemedColour {
  readonly light: string;
  readonly dark: string;
}

export const colours = {
  app: { light: '#FFFFFF', dark: '#14171C' },
  sidebar: { light: '#F5F6F8', dark: '#1A1E24' },
  rail: { light: '#ECEEF2', dark: '#101317' },
  selected: { light: '#E3EBFF', dark: '#22325C' },
  hover: { light: '#EBEDF1', dark: '#232831' },
  raised: { light: '#FFFFFF', dark: '#20252C' },
  field: { light: '#FFFFFF', dark: '#14171C' },
  text: { light: '#14171C', dark: '#E8EAED' },
  'text-secondary': { light: '#545B66', dark: '#A7AEBA' },
  'text-tertiary': { light: '#646B77', dark: '#8B93A1' },
  'text-on-selected': { light: '#545B66', dark: '#B9C2D3' },
  accent: { light: '#2457D6', dark: '#3A66DB' },
  'accent-hover': { light: '#1E4BBC', dark: '#3059C6' },
  'on-accent': { light: '#FFFFFF', dark: '#FFFFFF' },
  link: { light: '#1B4BC4', dark: '#8FB0FF' },
  'their-bubble': { light: '#F0F2F5', dark: '#262C35' },
  'their-bubble-text': { light: '#14171C', dark: '#E8EAED' },
  'their-bubble-meta': { light: '#5A616D', dark: '#A7AEBA' },
  'my-bubble': { light: '#DCE7FF', dark: '#24408A' },
  'my-bubble-text': { light: '#10182B', dark: '#F1F5FF' },
  'my-bubble-meta': { light: '#44506A', dark: '#B9C8F2' },
  'my-bubble-read': { light: '#1B4BC4', dark: '#BFD2FF' },
  'my-bubble-danger': { light: '#B81F18', dark: '#FFB4AD' },
  danger: { light: '#C4231C', dark: '#FF8A80' },
  'danger-button': { light: '#C4231C', dark: '#C43A33' },
  'danger-surface': { light: '#FDECEA', dark: '#3B1E1C' },
  'danger-surface-text': { light: '#8F1913', dark: '#FFB4AD' },
  success: { light: '#14713D', dark: '#6DD58C' },
  'warning-surface': { light: '#FFF3D6', dark: '#3A2C0A' },
  'warning-surface-text': { light: '#5C3A00', dark: '#FFD98A' },
  'info-surface': { light: '#E3EBFF', dark: '#22325C' },
  'info-surface-text': { light: '#14317A', dark: '#D5E0FF' },
  'control-border': { light: '#868D99', dark: '#6B7380' },
  line: { light: '#E3E6EB', dark: '#2A3039' },
  chip: { light: '#ECEEF2', dark: '#262C35' },
  segment: { light: '#FFFFFF', dark: '#3A4250' },
  online: { light: '#15803D', dark: '#4CC77A' },
  'muted-badge': { light: '#5F6672', dark: '#5A6270' },
} as const satisfies Record<string, ThemedColour>;

export type ColourName = keyof typeof colours;

/**
 * One per person, chosen by user id; of a group the one its members chose, by its number on the wire: new ones only at
 * the end. White initials stand on them in both themes.
 */
export const avatarColours = [
  '#2F6FB3',
  '#8A4FBF',
  '#B0473F',
  '#1F7A6B',
  '#A35A12',
  '#4A63C9',
  '#9B3F78',
  '#4B7530',
  '#14748C',
  '#7B6114',
  '#C03A63',
  '#56657A',
] as const;

/** Which colours stand on which, and the least contrast (WCAG: 4.5 for text, 3 for shapes). */
export const contrastPairs: readonly { front: ColourName; back: ColourName; atLeast: number }[] = [
  { front: 'text', back: 'app', atLeast: 7 },
  { front: 'text', back: 'sidebar', atLeast: 7 },
  { front: 'text', back: 'selected', atLeast: 7 },
  { front: 'text', back: 'hover', atLeast: 7 },
  { front: 'text', back: 'raised', atLeast: 7 },
  { front: 'text', back: 'field', atLeast: 7 },
  { front: 'text', back: 'chip', atLeast: 7 },
  { front: 'text', back: 'segment', atLeast: 7 },
  { front: 'text-secondary', back: 'app', atLeast: 4.5 },
  { front: 'text-secondary', back: 'sidebar', atLeast: 4.5 },
  { front: 'text-secondary', back: 'rail', atLeast: 4.5 },
  { front: 'text-secondary', back: 'hover', atLeast: 4.5 },
  { front: 'text-secondary', back: 'raised', atLeast: 4.5 },
  { front: 'text-secondary', back: 'chip', atLeast: 4.5 },
  { front: 'text-on-selected', back: 'selected', atLeast: 4.5 },
  { front: 'text-tertiary', back: 'app', atLeast: 4.5 },
  { front: 'text-tertiary', back: 'sidebar', atLeast: 4.5 },
  { front: 'text-tertiary', back: 'hover', atLeast: 4.5 },
  { front: 'text-tertiary', back: 'raised', atLeast: 4.5 },
  { front: 'text-tertiary', back: 'field', atLeast: 4.5 },
  { front: 'on-accent', back: 'accent', atLeast: 4.5 },
  { front: 'on-accent', back: 'accent-hover', atLeast: 4.5 },
  { front: 'on-accent', back: 'danger-button', atLeast: 4.5 },
  { front: 'on-accent', back: 'muted-badge', atLeast: 4.5 },
  { front: 'link', back: 'app', atLeast: 4.5 },
  { front: 'link', back: 'sidebar', atLeast: 4.5 },
  { front: 'link', back: 'hover', atLeast: 4.5 },
  { front: 'link', back: 'selected', atLeast: 4.5 },
  { front: 'link', back: 'raised', atLeast: 4.5 },
  { front: 'link', back: 'their-bubble', atLeast: 4.5 },
  { front: 'their-bubble-text', back: 'their-bubble', atLeast: 7 },
  { front: 'their-bubble-meta', back: 'their-bubble', atLeast: 4.5 },
  { front: 'my-bubble-text', back: 'my-bubble', atLeast: 7 },
  { front: 'my-bubble-meta', back: 'my-bubble', atLeast: 4.5 },
  { front: 'my-bubble-read', back: 'my-bubble', atLeast: 4.5 },
  { front: 'my-bubble-danger', back: 'my-bubble', atLeast: 4.5 },
  { front: 'danger', back: 'app', atLeast: 4.5 },
  { front: 'danger', back: 'sidebar', atLeast: 4.5 },
  { front: 'danger', back: 'hover', atLeast: 4.5 },
  { front: 'danger', back: 'raised', atLeast: 4.5 },
  { front: 'danger', back: 'selected', atLeast: 4.5 },
  { front: 'danger-surface-text', back: 'danger-surface', atLeast: 4.5 },
  { front: 'success', back: 'app', atLeast: 4.5 },
  { front: 'success', back: 'raised', atLeast: 4.5 },
  { front: 'warning-surface-text', back: 'warning-surface', atLeast: 7 },
  { front: 'info-surface-text', back: 'info-surface', atLeast: 7 },
  { front: 'online', back: 'app', atLeast: 3 },
  { front: 'online', back: 'sidebar', atLeast: 3 },
  { front: 'online', back: 'selected', atLeast: 3 },
  { front: 'control-border', back: 'app', atLeast: 3 },
  { front: 'control-border', back: 'field', atLeast: 3 },
  { front: 'control-border', back: 'sidebar', atLeast: 3 },
  { front: 'control-border', back: 'raised', atLeast: 3 },
];

const space = { 1: '4px', 2: '8px', 3: '12px', 4: '16px', 6: '24px', 8: '32px', 12: '48px' } as const;

const fixed: Readonly<Record<string, string>> = {
  ...Object.fromEntries(Object.entries(space).map(([step, length]) => [`space-${step}`, length])),
  'radius-control': '6px',
  'radius-card': '10px',
  'radius-bubble': '16px',
  'radius-bubble-inner': '4px',
  'font-family':
    '"Inter Variable", "Apple Color Emoji", "Segoe UI Emoji", "Noto Color Emoji", system-ui, -apple-system, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif',
  'font-family-mono': 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono CJK SC", monospace',
  'text-meta': '12px/16px',
  'text-small': '13px/18px',
  'text-body': '15px/22px',
  'text-title': '16px/22px',
  'text-header': '18px/24px',
  'text-page': '24px/32px',
  'motion-press': '120ms',
  'motion-panel': '180ms',
  'motion-dialog': '240ms',
  easing: 'cubic-bezier(0.2, 0.8, 0.2, 1)',
};

const shadows: Record<ThemeName, Readonly<Record<string, string>>> = {
  light: {
    'shadow-raised': '0 1px 2px rgb(20 23 28 / 8%), 0 8px 24px rgb(20 23 28 / 14%)',
    'shadow-low': '0 1px 2px rgb(20 23 28 / 10%), 0 2px 8px rgb(20 23 28 / 8%)',
    backdrop: 'rgb(20 23 28 / 40%)',
  },
  dark: {
    'shadow-raised': '0 1px 2px rgb(0 0 0 / 40%), 0 8px 24px rgb(0 0 0 / 50%)',
    'shadow-low': '0 1px 2px rgb(0 0 0 / 40%), 0 2px 8px rgb(0 0 0 / 30%)',
    backdrop: 'rgb(0 0 0 / 60%)',
  },
};

function declarations(values: Iterable<readonly [string, string]>): string {
  return [...values].map(([name, value]) => `  --${name}: ${value};`).join('\n');
}

function themed(theme: ThemeName): string {
  const own = Object.entries(colours).map(([name, colour]) => [name, colour[theme]] as const);
  return `  color-scheme: ${theme};\n${declarations([...own, ...Object.entries(shadows[theme])])}`;
}

/** The stylesheet of all tokens: light by default, dark by the system's choice or by `data-theme`. */
export function tokensCss(): string {
  const avatars = avatarColours.map((colour, index) => [`avatar-${index}`, colour] as const);
  return [
    `:root {\n${declarations([...Object.entries(fixed), ...avatars])}\n}`,
    `:root {\n${themed('light')}\n}`,
    `@media (prefers-color-scheme: dark) {\n:root:not([data-theme='light']) {\n${themed('dark')}\n}\n}`,
    `:root[data-theme='dark'] {\n${themed('dark')}\n}`,
  ].join('\n');
}
