import type { Flaws } from '../system.ts';

export interface PlantedBug {
  readonly what: string;
  /** Anew for each run: what it keeps belongs to that run. */
  flaws(): Flaws;
}

export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  'ack-before-commit': {
    what: 'writes are answered before they are synced',
    flaws: () => ({ database: { answersEarly: true } }),
  },
};
