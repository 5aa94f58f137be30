/** Below a day, values are many: the threshold is higher, one alarm a day is enough, and each makes the next harder. */
export const settings = {
  daily: {
    rates: [0.03, 0.1, 0.3],
    k: 3.6,
    meanK: 3.1,
    means: [3, 5],
    percent: 10,
    fatigue: 0.1,
    fatigueDays: 60,
    /** The number of values of one phase, all off its season in one direction, that make a new season. */
    misses: 3,
  },
  fine: {
    rates: [0.01, 0.1, 0.4],
    k: 4.5,
    meanK: 4.5,
    means: [6],
    percent: 0,
    fatigue: 0.4,
    fatigueDays: 10,
    misses: Infinity,
  },
}
