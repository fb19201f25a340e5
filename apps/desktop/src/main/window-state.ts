/** Where the window stood, kept over a restart. A damaged file, or one from a screen that is gone, gives the default. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';

const pixels = z.number().int().min(-100_000).max(100_000);
const size = z.number().int().min(200).max(20_000);
const stateSchema = z.object({
  bounds: z.object({ width: size, height: size, x: pixels.optional(), y: pixels.optional() }),
  maximised: z.boolean(),
  /** Whether the user was told once that closing the window does not quit. */
  toldOfTray: z.boolean(),
});

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface WindowState {
  bounds: { width: number; height: number; x?: number; y?: number };
  maximised: boolean;
  toldOfTray: boolean;
}

export function defaultWindowState(): WindowState {
  return { bounds: { width: 1080, height: 720 }, maximised: false, toldOfTray: false };
}

/** `workAreas`: the screens that are there now. */
export function readWindowState(file: string, workAreas: readonly Rectangle[]): WindowState {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // No file yet, or none that can be read: the window opens all the same.
    return defaultWindowState();
  }
  const parsed = stateSchema.safeParse(parseJson(text));
  if (!parsed.success) return defaultWindowState();
  const { maximised, toldOfTray, bounds } = parsed.data;
  const { width, height, x, y } = bounds;
  const placed = x !== undefined && y !== undefined && isReachable({ x, y, width, height }, workAreas);
  return { bounds: placed ? { width, height, x, y } : { width, height }, maximised, toldOfTray };
}

/** Written aside and renamed, so that a crash leaves the old state or the new one. */
export function writeWindowState(file: string, state: WindowState): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Enough of the title bar lies on a screen to drag it back. */
function isReachable(window: Rectangle, workAreas: readonly Rectangle[]): boolean {
  return workAreas.some((area) => {
    const across = Math.min(window.x + window.width, area.x + area.width) - Math.max(window.x, area.x);
    return across >= 100 && window.y >= area.y && window.y <= area.y + area.height - 50;
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
