-- Macros of all mappings. Each DuckDB runs this once. Running it again changes nothing.

-- Parses the rarer formats of a time: without time or seconds, with fractions, with an offset, in the American form.
CREATE OR REPLACE MACRO bill_time_rare(written) AS
  CASE
    WHEN regexp_full_match(written, '\d{4}-\d{2}-\d{2}') THEN TRY_CAST(written AS TIMESTAMP)
    WHEN regexp_full_match(written, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}Z?') THEN TRY_CAST(written[1:16] || ':00' AS TIMESTAMP)
    WHEN regexp_full_match(written, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?( ?(Z|UTC))?')
      AND written[12:13] < '24' THEN TRY_CAST(regexp_extract(written, '^[^ZU]+') AS TIMESTAMP)
    -- FOCUS's own worked examples have hours beyond 24: T30:00:00Z is 06:00 of the next day.
    WHEN regexp_full_match(written, '\d{4}-\d{2}-\d{2}T(2[4-9]|3\d|4[0-7]):\d{2}:\d{2}Z') THEN
      TRY_CAST(written[1:10] AS TIMESTAMP) + to_hours(TRY_CAST(written[12:13] AS BIGINT))
        + to_minutes(TRY_CAST(written[15:16] AS BIGINT)) + to_seconds(TRY_CAST(written[18:19] AS BIGINT))
    -- A cast to TIMESTAMP ignores the offset, so it is subtracted here: +02:00 is two hours ahead of UTC.
    WHEN regexp_full_match(written, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?[+-]\d{2}(:?\d{2})?') THEN
      TRY_CAST(regexp_extract(written, '^(.*)[+-]\d{2}(:?\d{2})?$', 1) || CASE WHEN written[17] = ':' THEN '' ELSE ':00' END AS TIMESTAMP)
        - (CASE WHEN regexp_extract(written, '([+-])\d{2}(:?\d{2})?$', 1) = '-' THEN -1 ELSE 1 END)
          * to_minutes(60 * TRY_CAST(regexp_extract(written, '[+-](\d{2})(:?\d{2})?$', 1) AS BIGINT)
            + coalesce(TRY_CAST(nullif(regexp_extract(written, '[+-]\d{2}:?(\d{2})$', 1), '') AS BIGINT), 0))
    WHEN regexp_full_match(written, '\d{1,2}/\d{1,2}/\d{4}') THEN try_strptime(written, '%m/%d/%Y')
    WHEN regexp_full_match(written, '\d{1,2}/\d{1,2}/\d{2}') THEN try_strptime(written, '%m/%d/%y')
    WHEN regexp_full_match(written, '\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d{2}(:\d{2})?') THEN try_strptime(written, ['%m/%d/%Y %H:%M:%S', '%m/%d/%Y %H:%M'])
  END;

-- Parses a time of a bill in UTC; NULL if the format is unknown.
-- ISO years have four digits. The American form begins with the month (Azure EA: 09/21/2023; spreadsheets: 5/1/25).
CREATE OR REPLACE MACRO bill_time(written) AS
  CASE
    WHEN written LIKE '____-__-__T__:__:__Z' OR written LIKE '____-__-__ __:__:__' THEN coalesce(TRY_CAST(written AS TIMESTAMP), bill_time_rare(written))
    ELSE bill_time_rare(trim(written))
  END;

-- Parses an amount of a spreadsheet: "$10,000.00 ", "-$5.25", "1,234". NULL if the format is unknown.
-- A comma only groups thousands, and a dot only separates decimals: "1.234,56" is NULL instead of a guess.
CREATE OR REPLACE MACRO bill_money(written) AS
  CASE
    WHEN regexp_full_match(trim(written), '(-?[$€£¥]?|[$€£¥]-)(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?([eE][+-]?\d+)?')
      THEN TRY_CAST(regexp_replace(trim(written), '[$€£¥,]', '', 'g') AS DECIMAL(38, 18))
  END;

-- Parses tags into a JSON object. Azure's native exports omit the braces. Any other text is kept unchanged under one key,
-- so that it neither gets lost nor stops the bill. Keys that differ in case or spaces stay different.
CREATE OR REPLACE MACRO bill_tags(written) AS
  CASE
    WHEN written IS NULL THEN NULL
    WHEN written LIKE '{%' AND json_valid(written) THEN written
    WHEN json_valid('{' || written || '}') THEN '{' || written || '}'
    WHEN trim(written) LIKE '{%' AND json_valid(written) THEN trim(written)
    ELSE json_object('x_UnparsedTags', written)::VARCHAR
  END;

-- The value of a key of a JSON object; NULL if the text is not JSON.
CREATE OR REPLACE MACRO bill_entry(document, entry) AS
  CASE WHEN json_valid(document) THEN json_extract_string(document, entry) END;

-- Converts AWS's units to FOCUS's: GB-Mo -> GB-Months, Hrs -> Hours, Obj-Month -> Obj-Months.
CREATE OR REPLACE MACRO aws_unit(written) AS
  CASE
    WHEN written LIKE '%-Mo' OR written LIKE '%-mo' THEN left(written, -2) || 'Months'
    WHEN written = 'Hrs' OR written LIKE '%-Hrs' THEN left(written, -3) || 'Hours'
    WHEN written LIKE '%-Month' OR written LIKE '%-Day' OR written LIKE '%-Hour' OR written LIKE '%-Minute' OR written LIKE '%-Second' THEN written || 's'
    ELSE written
  END;

CREATE OR REPLACE MACRO azure_unit_of(block, unit) AS
  CASE WHEN block = 1 THEN '' ELSE block || ' ' END
    || CASE
      WHEN unit = '' OR unit LIKE '/%' THEN 'Units' || unit
      WHEN unit IN ('Minute', 'Hour', 'Day', 'Month', 'Year') THEN unit || 's'
      ELSE unit
    END;

-- Converts Azure's units of measure to FOCUS's: 1 Hour -> Hours, 1 GB/Month -> GB/Month, 1/Day -> Units/Day,
-- 10K -> 10000 Units.
CREATE OR REPLACE MACRO azure_unit(written) AS
  CASE
    WHEN regexp_matches(written, '^\d') THEN
      coalesce(
        azure_unit_of(
          TRY_CAST(replace(regexp_extract(written, '^[\d,]+'), ',', '') AS BIGINT)
            * CASE regexp_extract(written, '^[\d,]+([KM])\b', 1) WHEN 'K' THEN 1000 WHEN 'M' THEN 1000000 ELSE 1 END,
          trim(regexp_extract(written, '^[\d,]+(?:[KM]\b)?(.*)$', 1))
        ),
        written
      )
    ELSE written
  END;
