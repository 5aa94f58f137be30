-- The exact value of a decimal as bills write it; an error for other text.
-- The cast of text to DECIMAL(38,18) computes in 128 bits. A cast to at most 18 digits computes in 64 bits and is 20 times as fast.
-- A number without exponent and with few decimals fits. A longer number is the sum of its whole part and its fraction, which fit one by one.
-- A cast that overflows is NULL, and the next one decides.
-- DuckDB would read 1_000 as 1000.
CREATE OR REPLACE MACRO is_odd_decimal(written) AS contains(written, 'e') OR contains(written, 'E') OR contains(written, '_');

CREATE OR REPLACE MACRO bill_short_decimal(written) AS
  CASE
    WHEN is_odd_decimal(written) THEN NULL
    WHEN NOT contains(written, '.') THEN CAST(TRY_CAST(written AS DECIMAL(18, 0)) AS DECIMAL(38, 18))
    WHEN strlen(written) - strpos(written, '.') <= 6 THEN CAST(TRY_CAST(written AS DECIMAL(18, 6)) AS DECIMAL(38, 18))
    WHEN strlen(written) - strpos(written, '.') <= 12 THEN CAST(TRY_CAST(written AS DECIMAL(18, 12)) AS DECIMAL(38, 18))
    WHEN strlen(written) - strpos(written, '.') <= 17 THEN CAST(TRY_CAST(written AS DECIMAL(18, 17)) AS DECIMAL(38, 18))
  END;

CREATE OR REPLACE MACRO bill_long_decimal(written) AS
  CASE
    WHEN regexp_full_match(written, '-?\d{1,18}\.\d{1,18}0*') THEN
      CAST(TRY_CAST(split_part(written, '.', 1) AS DECIMAL(18, 0)) AS DECIMAL(38, 18))
        + CAST(TRY_CAST(CASE WHEN written LIKE '-%' THEN '-.' ELSE '.' END || split_part(written, '.', 2) AS DECIMAL(18, 18)) AS DECIMAL(38, 18))
  END;

-- Most decimals have at most 13 characters, of which at most 12 follow the point. Trailing zeros of a long fraction are removed.
CREATE OR REPLACE MACRO bill_decimal(written) AS
  CASE WHEN written IS NOT NULL THEN
    coalesce(
      CASE WHEN strlen(written) > 13 OR is_odd_decimal(written) THEN NULL ELSE CAST(TRY_CAST(written AS DECIMAL(18, 12)) AS DECIMAL(38, 18)) END,
      bill_short_decimal(written),
      CASE WHEN strlen(written) > 18 AND contains(written, '.') THEN bill_short_decimal(rtrim(written, '0')) END,
      bill_long_decimal(written),
      CAST(replace(written, '_', '?') AS DECIMAL(38, 18))
    )
  END;
