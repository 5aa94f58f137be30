-- The exact value of a decimal as bills write it; an error for other text.
-- The cast of text to DECIMAL(38,18) computes in 128 bits and is slow. A number without exponent and with few decimals has the same value in 64 bits, where the
-- cast is five to ten times as fast. A number that overflows 64 bits takes the slow cast.
CREATE OR REPLACE MACRO bill_short_decimal(written) AS
  CASE
    WHEN contains(written, 'e') OR contains(written, 'E') THEN NULL
    WHEN strlen(written) - strpos(written, '.') <= 6 THEN TRY_CAST(TRY_CAST(written AS DECIMAL(18, 6)) AS DECIMAL(38, 18))
    WHEN strlen(written) - strpos(written, '.') <= 12 THEN TRY_CAST(TRY_CAST(written AS DECIMAL(18, 12)) AS DECIMAL(38, 18))
    WHEN strlen(written) - strpos(written, '.') <= 17 THEN TRY_CAST(TRY_CAST(written AS DECIMAL(18, 17)) AS DECIMAL(38, 18))
  END;

-- Trailing zeros of a long fraction are removed first.
CREATE OR REPLACE MACRO bill_decimal(written) AS
  coalesce(
    bill_short_decimal(CASE WHEN strlen(written) > 18 AND contains(written, '.') THEN rtrim(written, '0') ELSE written END),
    CAST(written AS DECIMAL(38, 18))
  );
