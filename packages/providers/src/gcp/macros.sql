-- A nested value of Google's export as JSON. Python prints lists with other quotes and None, NumPy without commas.
CREATE OR REPLACE MACRO gcp_json(written) AS
  CASE
    WHEN json_valid(written) THEN written
    ELSE bill_python(written).regexp_replace('\}\s+\{', '}, {', 'g')
  END;

-- The first day of the month of an invoice: 202409. NULL if it is none.
CREATE OR REPLACE MACRO gcp_month(written) AS try_strptime(bill_bare_id(written), ['%Y%m', '%Y-%m']);

-- The text of the amount of each credit of a row.
CREATE OR REPLACE MACRO gcp_credit_amounts(written) AS
  regexp_extract_all(gcp_json(written), '"amount"\s*:\s*"?(-?[\d.]+(?:[eE][+-]?\d+)?)', 1);

-- The sum of a row's credits, by the text of each amount, so that it is exact. NULL if an amount is missing.
CREATE OR REPLACE MACRO gcp_credit_total(written) AS
  CASE
    WHEN written IS NULL OR trim(written) = '[]' OR regexp_full_match(written, '\s*\[\s*\]\s*') THEN CAST(0 AS DECIMAL(38, 18))
    WHEN json_valid(gcp_json(written)) AND CASE json_type(gcp_json(written)) WHEN 'OBJECT' THEN 1 ELSE json_array_length(gcp_json(written)) END = len(regexp_extract_all(gcp_json(written), '"amount"\s*:\s*(?:"-?[\d.]+(?:[eE][+-]?\d+)?"|-?[\d.]+(?:[eE][+-]?\d+)?\s*[,}])')) THEN
      list_sum(list_transform(gcp_credit_amounts(written), lambda amount: CAST(amount AS DECIMAL(38, 18))))
  END;

-- How many of a row's credits have more decimals than the lake.
CREATE OR REPLACE MACRO gcp_rounded_credits(written) AS
  CASE WHEN contains(written, 'amount') THEN len(list_filter(gcp_credit_amounts(written), lambda amount: is_rounded(amount))) ELSE 0 END;

-- The credit that a commitment gave to usage: https://cloud.google.com/billing/docs/how-to/cost-table
CREATE OR REPLACE MACRO gcp_commitment_credit(written) AS
  CASE WHEN contains(written, 'COMMITTED_USAGE_DISCOUNT') THEN
    list_extract(list_filter(json_extract(gcp_json(written), '$[*]'), lambda credit: starts_with(credit ->> 'type', 'COMMITTED_USAGE_DISCOUNT')), 1)
  END;

-- The share of a row's cost before credits that resource-based commitments paid; NULL if they paid nothing.
CREATE OR REPLACE MACRO gcp_covered_share(written, cost) AS
  CASE WHEN contains(written, 'COMMITTED_USAGE_DISCOUNT') THEN
    list_sum(list_transform(
      list_filter(json_extract(gcp_json(written), '$[*]'), lambda credit: credit ->> 'type' = 'COMMITTED_USAGE_DISCOUNT'),
      lambda credit: -CAST(credit ->> 'amount' AS DOUBLE)
    )) / nullif(CAST(cost AS DOUBLE), 0)
  END;

CREATE OR REPLACE MACRO gcp_unit_word(written) AS
  CASE
    WHEN regexp_full_match(written, 'bytes?') THEN 'B'
    WHEN regexp_full_match(written, '(kibi|mebi|gibi|tebi|pebi)bytes?') THEN upper(written[1]) || 'iB'
    WHEN regexp_full_match(written, '(second|minute|hour|day|month|year|request)s?') THEN upper(written[1]) || rtrim(written[2:], 's') || 's'
    WHEN written = 'count' THEN 'Count'
    ELSE written
  END;

-- Converts Google's units to FOCUS's: gibibyte month -> GiB-Months, hour -> Hours, byte-seconds -> B-Seconds.
CREATE OR REPLACE MACRO gcp_unit(written) AS
  CASE
    WHEN regexp_full_match(written, '\S+[ -](second|minute|hour|day|month)s?') THEN
      gcp_unit_word(regexp_extract(written, '^(\S+?)[ -]', 1)) || '-' || gcp_unit_word(regexp_extract(written, '[ -](\S+)$', 1))
    ELSE gcp_unit_word(written)
  END;

-- Google's regions: https://cloud.google.com/about/locations
CREATE OR REPLACE TABLE gcp_region (id VARCHAR, name VARCHAR);
INSERT INTO gcp_region VALUES
  ('africa-south1', 'Johannesburg'),
  ('asia-east1', 'Taiwan'),
  ('asia-east2', 'Hong Kong'),
  ('asia-northeast1', 'Tokyo'),
  ('asia-northeast2', 'Osaka'),
  ('asia-northeast3', 'Seoul'),
  ('asia-south1', 'Mumbai'),
  ('asia-south2', 'Delhi'),
  ('asia-southeast1', 'Singapore'),
  ('asia-southeast2', 'Jakarta'),
  ('asia-southeast3', 'Bangkok'),
  ('australia-southeast1', 'Sydney'),
  ('australia-southeast2', 'Melbourne'),
  ('europe-central2', 'Warsaw'),
  ('europe-north1', 'Finland'),
  ('europe-north2', 'Stockholm'),
  ('europe-southwest1', 'Madrid'),
  ('europe-west1', 'Belgium'),
  ('europe-west2', 'London'),
  ('europe-west3', 'Frankfurt'),
  ('europe-west4', 'Netherlands'),
  ('europe-west6', 'Zurich'),
  ('europe-west8', 'Milan'),
  ('europe-west9', 'Paris'),
  ('europe-west10', 'Berlin'),
  ('europe-west12', 'Turin'),
  ('me-central1', 'Doha'),
  ('me-central2', 'Dammam'),
  ('me-west1', 'Tel Aviv'),
  ('northamerica-northeast1', 'Montréal'),
  ('northamerica-northeast2', 'Toronto'),
  ('northamerica-south1', 'Mexico'),
  ('southamerica-east1', 'São Paulo'),
  ('southamerica-west1', 'Santiago'),
  ('us-central1', 'Iowa'),
  ('us-east1', 'South Carolina'),
  ('us-east4', 'Northern Virginia'),
  ('us-east5', 'Columbus'),
  ('us-south1', 'Dallas'),
  ('us-west1', 'Oregon'),
  ('us-west2', 'Los Angeles'),
  ('us-west3', 'Salt Lake City'),
  ('us-west4', 'Las Vegas');
