-- Macros of all mappings. Each DuckDB runs this once. Running it again changes nothing.

-- A text of a bill; NULL for the texts with which SQL engines, Python, spreadsheets and Snowflake write no value.
-- None of them is longer than 6 bytes, so that most texts are not compared.
-- NOT IN would become a join, and a chain of WHEN takes longer to plan.
CREATE OR REPLACE MACRO bill_value(written) AS
  CASE
    WHEN strlen(written) > 6 THEN written
    WHEN NOT list_contains(['', 'NULL', 'null', '(null)', '\N', 'NaN', 'nan', 'NAN', '<NA>', 'N/A', 'n/a', '#N/A', 'None'], written) THEN written
  END;

-- A text without blanks around, also those that trim keeps: tabs (which keep a spreadsheet from rounding ids), line
-- ends, and characters without width.
CREATE OR REPLACE MACRO bill_trim(written) AS regexp_replace(written, '^[\s\pZ\x{200b}\x{feff}]+|[\s\pZ\x{200b}\x{feff}]+$', '', 'g');

-- Parses the rarer formats of a time: compact, without time or seconds, with fractions, with an offset, with slashes or
-- dots, with hours of one digit, with the name of the month, as Go prints it (2024-09-01 00:00:00 +0000 UTC).
CREATE OR REPLACE MACRO bill_time_rare(written) AS
  CASE
    WHEN regexp_full_match(written, '\d{8}') THEN try_strptime(written, '%Y%m%d')
    WHEN regexp_full_match(written, '\d{8}T\d{6}Z?') THEN try_strptime(written[1:15], '%Y%m%dT%H%M%S')
    WHEN regexp_full_match(written, '\d{4}[-/.]\d{1,2}[-/.]\d{1,2}( \d{1,2}:\d{2}(:\d{2})?)?') THEN
      try_strptime(translate(written, '/.', '--'), ['%Y-%m-%d', '%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M'])
    WHEN regexp_full_match(written, '(?i)\d{1,2}-[a-z]{3}-(\d{2}|\d{4})') THEN try_strptime(written, ['%d-%b-%y', '%d-%b-%Y'])
    WHEN regexp_full_match(written, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}Z?') THEN TRY_CAST(written[1:16] || ':00' AS TIMESTAMP)
    WHEN regexp_full_match(written, '\d{4}[-/]\d{1,2}[-/]\d{1,2}[T ]([01]\d|2[0-3]):\d{2}:\d{2}(\.\d+)?( ?Z|( \+0000)? ?UTC)?') THEN
      TRY_CAST(replace(regexp_extract(written, '^[^ZU+]+'), '/', '-') AS TIMESTAMP)
    -- FOCUS's own worked examples have hours beyond 24: T30:00:00Z is 06:00 of the next day.
    WHEN regexp_full_match(written, '\d{4}-\d{2}-\d{2}T(2[4-9]|3\d|4[0-7]):\d{2}:\d{2}Z') THEN
      TRY_CAST(written[1:10] AS TIMESTAMP) + to_hours(TRY_CAST(written[12:13] AS BIGINT))
        + to_minutes(TRY_CAST(written[15:16] AS BIGINT)) + to_seconds(TRY_CAST(written[18:19] AS BIGINT))
    -- A cast to TIMESTAMP ignores the offset, so it is subtracted here: +02:00 is two hours ahead of UTC.
    WHEN regexp_full_match(written, '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)? ?[+-]\d{2}(:?\d{2})?') THEN
      TRY_CAST(regexp_extract(written, '^(.*?) ?[+-]\d{2}(:?\d{2})?$', 1) || CASE WHEN written[17] = ':' THEN '' ELSE ':00' END AS TIMESTAMP)
        - (CASE WHEN regexp_extract(written, '([+-])\d{2}(:?\d{2})?$', 1) = '-' THEN -1 ELSE 1 END)
          * to_minutes(60 * TRY_CAST(regexp_extract(written, '[+-](\d{2})(:?\d{2})?$', 1) AS BIGINT)
            + coalesce(TRY_CAST(nullif(regexp_extract(written, '[+-]\d{2}:?(\d{2})$', 1), '') AS BIGINT), 0))
  END;

-- Parses a time of a bill in UTC; NULL if the format is unknown. The year comes first: the order of 01/09/2024 is
-- decided for a whole file, and such a date is rewritten by bill_local_time before a mapping reads it.
CREATE OR REPLACE MACRO bill_time(written) AS
  CASE
    WHEN written LIKE '____-__-__T__:__:__Z' OR written LIKE '____-__-__ __:__:__' THEN coalesce(TRY_CAST(written AS TIMESTAMP), bill_time_rare(written))
    ELSE bill_time_rare(trim(written))
  END;

-- Whether a date begins with its day or month: 01/09/2024, 1.9.24, 01-09-2024 12:00:00 AM.
CREATE OR REPLACE MACRO is_local_time(written) AS
  regexp_full_match(trim(written), '\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2})([ T]\d{1,2}:\d{2}(:\d{2}(\.0+)?)?( ?[AaPp][Mm])?)?');

-- Parses such a date. NULL if it is none, or no date in this order.
CREATE OR REPLACE MACRO bill_local_time(written, is_day_first) AS
  CASE WHEN is_local_time(written) THEN
    try_strptime(
      (CASE WHEN is_day_first THEN regexp_replace(trim(written), '^(\d+)[/.-](\d+)[/.-]', '\2/\1/') ELSE regexp_replace(trim(written), '^(\d+)[/.-](\d+)[/.-]', '\1/\2/') END)
        .regexp_replace('^(\d+/\d+/)(\d\d)( |T|$)', '\120\2\3').replace('T', ' ').regexp_replace('\.0+', '').regexp_replace('(\d) ?([AaPp][Mm])$', '\1 \2'),
      ['%m/%d/%Y', '%m/%d/%Y %H:%M:%S', '%m/%d/%Y %H:%M', '%m/%d/%Y %I:%M:%S %p', '%m/%d/%Y %I:%M %p']
    )
  END;

-- The month of a billing period. A period begins at midnight of the provider's own zone, UTC-12 to UTC+14.
CREATE OR REPLACE MACRO bill_month(period_start) AS strftime(period_start + INTERVAL 14 HOUR, '%Y-%m');

-- The name of a company: lower case, single blanks, without what follows the words before its legal form.
CREATE OR REPLACE MACRO company_name(written) AS
  lower(regexp_replace(bill_trim(written), '\s+', ' ', 'g'))
    .regexp_replace('^(aws|amazon aws|amazon web services|amazon internet services|microsoft|google|oracle)\b.* (inc|llc|ltda?|limited|s\.?a\.?r\.?l|gmbh|corp|corporation|g\.?k|k\.?k|b\.?v)\.?$', '\1');

-- One provider has one name, however the bill spells it, and whichever of its companies the bill names.
CREATE OR REPLACE MACRO bill_provider(written) AS
  CASE
    WHEN written IN ('AWS', 'Microsoft', 'Google Cloud') THEN written
    WHEN regexp_full_match(company_name(written), 'aws|amazon( aws|\.com)?|amazon internet services|amazon ?web ?services( \(aws\))?(,? (inc|llc)\.?)?') THEN 'AWS'
    WHEN regexp_full_match(company_name(written), 'azure|microsoft(,? (azure|corp(oration|\.)?))?') THEN 'Microsoft'
    WHEN regexp_full_match(company_name(written), 'gcp|google(,? (llc|inc\.?|cloud( platform)?( \(gcp\))?))?') THEN 'Google Cloud'
    WHEN regexp_full_match(company_name(written), 'oci|oracle(,? (corporation|cloud( infrastructure)?( \(oci\))?))?') THEN 'Oracle'
    ELSE bill_trim(written)
  END;

CREATE OR REPLACE MACRO bill_currency(written) AS CASE WHEN strlen(written) = 3 AND upper(written) = written THEN written ELSE upper(bill_trim(written)) END;

-- A value of FOCUS begins with a capital; Google's view writes `usage`.
CREATE OR REPLACE MACRO bill_word(written) AS CASE WHEN written >= 'a' THEN upper(written[1]) || written[2:] ELSE written END;

-- An id without the marks of a spreadsheet: ="0123", "0123", '0123, 123.0, blanks around. One pattern keeps plans small.
CREATE OR REPLACE MACRO bill_bare_id(written) AS
  regexp_replace(written, '(?s)^[\s\pZ\x{200b}\x{feff}]*(?:=?\s*"(?:(\d+)\.0+|(.*?))"|''(.*?)|(\d+)\.0+|(.*?))[\s\pZ\x{200b}\x{feff}]*$', '\1\2\3\4\5');

-- The names of Azure's path segments, and the ids that Azure writes in upper case. Other ids are lower case.
CREATE OR REPLACE MACRO azure_path(written) AS
  lower(rtrim(written, '/'))
    .replace('/providers/microsoft.billing/', '/providers/Microsoft.Billing/')
    .replace('/billingaccounts/', '/billingAccounts/')
    .regexp_replace('/billingprofiles/.*', CASE WHEN strpos(lower(written), '/billingprofiles/') = 0 THEN '' ELSE
      '/billingProfiles/' || replace(upper(written[strpos(lower(written), '/billingprofiles/') + 17:]), '/INVOICESECTIONS/', '/invoiceSections/') END);

-- One account has one id, however the bill spells it: AWS ids have 12 digits, ids of Azure and Google ignore case.
-- An id in the usual form is the result. One pattern proves it, which takes a tenth of the time.
CREATE OR REPLACE MACRO bill_account(provider, written) AS
  CASE
    WHEN provider = 'AWS' THEN
      CASE
        WHEN strlen(written) = 12 AND regexp_full_match(written, '\d{12}') THEN written
        WHEN regexp_full_match(bill_bare_id(written), '\d{4}[- ]\d{4}[- ]\d{4}|\d{1,3}(,\d{3}){2,3}') THEN lpad(regexp_replace(bill_bare_id(written), '[-, ]', '', 'g'), 12, '0')
        WHEN regexp_full_match(bill_bare_id(written), '\d{6,11}') THEN lpad(bill_bare_id(written), 12, '0')
        ELSE bill_bare_id(written)
      END
    WHEN provider = 'Microsoft' THEN
      CASE
        WHEN regexp_full_match(written, '/subscriptions/[\da-f-]+|/providers/Microsoft\.Billing/billingAccounts/\d+') THEN written
        -- An enrollment number, or the id of a Microsoft Customer Agreement, without its path or a part of it.
        ELSE azure_path(regexp_replace(bill_bare_id(written), '(?i)^(?:/?(?:providers/Microsoft\.Billing/)?billingAccounts/)?(\d+|[\da-f-]+:[\da-f-]+_\d{4}-\d\d-\d\d)(/billingProfiles/.*?)?/?$', '/providers/Microsoft.Billing/billingAccounts/\1\2'))
      END
    WHEN provider = 'Google Cloud' THEN
      CASE
        -- A billing account, or a project whose letters are not all hexadecimal.
        WHEN regexp_full_match(written, '[\dA-F]{6}-[\dA-F]{6}-[\dA-F]{6}|[a-z][a-z\d-]*[g-z][a-z\d-]*|[g-z][a-z\d-]*') THEN written
        WHEN regexp_full_match(bill_bare_id(written), '(?i)(billingAccounts/)?[\dA-F]{6}-[\dA-F]{6}-[\dA-F]{6}') THEN right(upper(bill_bare_id(written)), 20)
        ELSE bill_bare_id(written)
      END
    ELSE bill_bare_id(written)
  END;

-- The digits of an amount of a spreadsheet: "-$5.25", "1 234,5 €", "1'234.50", "(5.25)", "5-". NULL if it is none.
-- `bill_digits` has no sign; its commas and dots are decimal or group marks.
CREATE OR REPLACE MACRO bill_digits(written) AS
  nullif(
    regexp_extract(
      trim(written, ' ' || chr(9) || chr(160) || chr(8239)),
      '^(?:[-+−]? ?[$€£¥]? ?|[$€£¥] ?[-+−] ?|\( ?[$€£¥]? ?)((?:\d{1,3}(?:[ \x{a0}\x{202f}''’]\d{3})+|[.,]?\d[\d.,]*)(?:[.,]\d+)?(?:[eE][+-]?\d+)?)(?:[ \x{a0}\x{202f}]?[$€£¥])?(?: ?-| ?\))?$',
      1
    ).regexp_replace('[ \x{a0}\x{202f}''’]', '', 'g'),
    ''
  );

CREATE OR REPLACE MACRO is_minus(written) AS
  regexp_matches(trim(written), '^[^\d.,]*[-−(]|-$');

-- Whether digits can be read with this decimal mark. "0,125" groups no thousands, because no group begins with 0.
-- India groups lakhs: 1,23,456.78.
CREATE OR REPLACE MACRO is_with_point(digits) AS regexp_full_match(digits, '(?:\d+|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d\d)+,\d{3})?(?:\.\d*)?(?:[eE][+-]?\d+)?');
CREATE OR REPLACE MACRO is_with_comma(digits) AS regexp_full_match(digits, '(?:\d+|[1-9]\d{0,2}(?:\.\d{3})+)?(?:,\d*)?(?:[eE][+-]?\d+)?');

-- An amount without the currency of its row: 5.00 USD. NULL for blanks, and for `none`, `null` and the NA of R in any case.
CREATE OR REPLACE MACRO bill_amount(written, currency) AS
  CASE
    WHEN upper(right(written, 3)) = upper(trim(currency)) THEN left(written, -3)
    WHEN lower(trim(written)) NOT IN ('', 'none', 'null', 'na') THEN written
  END;

-- Parses an amount of a spreadsheet, by the decimal mark of its file. NULL if the format is unknown.
CREATE OR REPLACE MACRO bill_money(written, has_comma) AS
  CASE
    WHEN contains(written, '(') <> contains(written, ')') THEN NULL
    WHEN has_comma AND is_with_comma(bill_digits(written)) THEN
      TRY_CAST((CASE WHEN is_minus(written) THEN '-' ELSE '' END) || replace(replace(bill_digits(written), '.', ''), ',', '.') AS DECIMAL(38, 18))
    WHEN NOT has_comma AND is_with_point(bill_digits(written)) THEN
      TRY_CAST((CASE WHEN is_minus(written) THEN '-' ELSE '' END) || replace(bill_digits(written), ',', '') AS DECIMAL(38, 18))
  END;

-- Whether an amount has more than 18 decimals: 0.1234567890123456789, 1.5E-18.
CREATE OR REPLACE MACRO is_rounded(written) AS
  CASE
    WHEN strlen(written) > 19 OR contains(written, 'e') OR contains(written, 'E') THEN
      strlen(regexp_extract(written, '^.*[.,](\d*?)0*(?:\D|$)', 1)) - coalesce(TRY_CAST(nullif(regexp_extract(written, '[eE]([+-]?\d+)', 1), '') AS INTEGER), 0) > 18
    ELSE false
  END;

-- A JSON object of tags. NULL if a key comes twice: neither value may get lost.
CREATE OR REPLACE MACRO bill_tag_object(keys, tag_values) AS
  CASE WHEN len(list_distinct(keys)) = len(keys) AND len(keys) = len(tag_values) THEN CAST(to_json(map_from_entries(list_zip(keys, tag_values))) AS VARCHAR) END;

-- A value that Python printed, as JSON: {'Team': "mill's", 'Env': None}. It is invalid if quotes cannot be told apart.
CREATE OR REPLACE MACRO bill_python(written) AS
  regexp_replace(regexp_replace(written, '''([^''"\\]*)''', '"\1"', 'g'), ':\s*None\s*([,}])', ': null\1', 'g');

-- Tags as Athena and Python print them. NULL for text whose pairs cannot be told apart.
CREATE OR REPLACE MACRO bill_tag_map(written) AS
  CASE
    WHEN regexp_full_match(written, '\{[^=,{}"'']+=[^=,{}]*(, [^=,{}"'']+=[^=,{}]*)*\}') THEN
      bill_tag_object(regexp_extract_all(written, '[{,]\s*([^=,{}]+)=', 1), regexp_extract_all(written, '=([^=,{}]*)', 1))
    WHEN written LIKE '{''%' THEN CAST(TRY_CAST(bill_python(written) AS JSON) AS VARCHAR)
  END;

-- A JSON object of a list of pairs. NULL if it is another list.
CREATE OR REPLACE MACRO bill_tag_list(document) AS
  CASE json_array_length(document)
    WHEN len(json_extract_string(document, '$[*].key')) THEN bill_tag_object(json_extract_string(document, '$[*].key'), json_extract_string(document, '$[*].value'))
    -- As AWS's API writes them.
    WHEN len(json_extract_string(document, '$[*].Key')) THEN bill_tag_object(json_extract_string(document, '$[*].Key'), json_extract_string(document, '$[*].Value'))
  END;

-- Parses tags into a JSON object. Azure's native exports omit the braces, Google and OCI list pairs of key and value,
-- Athena prints {Team=blue}, Python {'Team': 'blue'}. Any other text is kept unchanged under one key, so that it neither
-- gets lost nor stops the bill. Keys that differ in case or spaces stay different.
CREATE OR REPLACE MACRO bill_tags(written) AS
  CASE
    WHEN written IS NULL THEN NULL
    WHEN written LIKE '{%' AND json_valid(written) THEN written
    WHEN json_valid('{' || written || '}') THEN '{' || written || '}'
    WHEN trim(written) LIKE '{%' AND json_valid(written) THEN trim(written)
    WHEN trim(written) LIKE '[%' THEN
      coalesce(
        -- A lambda evaluates its argument once, and keeps the plan small.
        list_transform([coalesce(TRY_CAST(written AS JSON), TRY_CAST(bill_python(written) AS JSON))], lambda document: bill_tag_list(document))[1],
        json_object('x_UnparsedTags', written)::VARCHAR
      )
    ELSE coalesce(bill_tag_map(trim(written)), json_object('x_UnparsedTags', written)::VARCHAR)
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
