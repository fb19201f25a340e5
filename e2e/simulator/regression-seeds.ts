/** Seeds that once were bad, by what was wrong. They stay good. */
export const regressionSeeds: ReadonlyArray<{ readonly seed: number; readonly was: string }> = [
  {
    seed: 66,
    was: 'a younger message was sent again alone, and taken before the older one whose refusal had got lost',
  },
  {
    seed: 178,
    was: 'messages that were stored although their sender had been refused held up what came behind them',
  },
  {
    seed: 92,
    was: 'a clock that jumped made a node give up waiting for a refused message, and the younger one was stored first',
  },
  {
    seed: 181,
    was: 'a node whose clock went back told a sender to come again in eight minutes',
  },
  {
    seed: 223,
    was: 'a send asked for again while its ack was being stored went out a second time, and its tick fell',
  },
  {
    seed: 83,
    was: 'who had left a group was told of reactions that came later',
  },
];
