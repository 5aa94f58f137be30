/** Constants of the forecaster, chosen on series of several kinds; `npm run compare:forecast` shows their effect. */
export const settings = {
  /** Least share of the variance that a season explains of the cycles that it was not estimated from. */
  seasonSkill: 0.02,
  /** Error of a season that multiplies, as a share of that of one that adds, below which it multiplies. */
  multiplies: 0.97,
  /** Cycles in the seasonal window of the decomposition; fewer years, because a year has 52.18 weeks. */
  cycles: 35,
  years: 7,
  /** Robust standard deviations at which an outlier is clipped. */
  clip: 4,
  /** Rolling origins, and the horizons of history that they cover. */
  origins: 24,
  span: 4,
  /** Power of the inverse error in a model's weight. */
  power: 6,
  /** Weight of the oldest error beside the newest: for the models' weights, and for the intervals. */
  modelAge: 0.5,
  errorAge: 0.3,
  /** Evidence (a squared z-score) below which a day of the month has no effect. */
  monthEvidence: 10,
  /** Errors that the width of a phase of the season is shrunk with. */
  shrink: 10,
  /** Factor on the width: the parameters were fitted to the same history. */
  caution: 1.05,
  /** Degrees of freedom of the width that each separate forecast of the past is worth. */
  freedom: 2,
  /** Observed values below which the forecast is a damped mean. */
  short: 14,
  /** Weight of a value in the damped mean beside the next one. */
  shortDecay: 0.87,
  /** The same of a series that is mostly 0. */
  rareDecay: 0.99,
}
