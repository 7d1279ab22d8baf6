-- The whole job for ClickHouse: typed columns, invalid rows dropped where they are read, tables in memory, joins of click
-- and person by ASOF joins, Parquet with zstd level 1 as ours. Bid requests are read as Avro. $in and $out are replaced.
SET input_format_allow_errors_ratio = 1, date_time_input_format = 'best_effort', session_timezone = 'UTC';
SET input_format_null_as_default = 1, input_format_json_read_numbers_as_strings = 1, join_use_nulls = 1;
SET output_format_parquet_compression_method = 'zstd', output_format_compression_level = 1, engine_file_truncate_on_insert = 1;
SET allow_suspicious_low_cardinality_types = 1;
CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic;
CREATE FUNCTION known AS (id) -> nullIf(nullIf(nullIf(id, ''), '0'), '00000000-0000-0000-0000-000000000000');
CREATE FUNCTION part_of_day AS (t) -> ['night', 'morning', 'afternoon', 'evening'][intDiv(toHour(t), 6) + 1];
CREATE FUNCTION season AS (t) -> ['winter', 'spring', 'summer', 'autumn'][intDiv(toMonth(t) % 12, 3) + 1];

CREATE TABLE bench.campaigns ENGINE = Memory AS
SELECT campaign_id, advertiser_id FROM file('$in/campaigns.csv', CSVWithNames, 'campaign_id String, campaign_name String, advertiser_id String');
CREATE TABLE bench.creatives ENGINE = Memory AS
SELECT creative_id, ad_group_id, campaign_id, advertiser_id,
       if(valid_from = '', toDateTime64('1970-01-01', 6), parseDateTime64BestEffort(valid_from, 6)) AS valid_from,
       if(valid_to = '', toDateTime64('2200-01-01', 6), parseDateTime64BestEffort(valid_to, 6)) AS valid_to
FROM file('$in/creatives.csv', CSVWithNames, 'creative_id String, ad_group_id String, valid_from String, valid_to String') AS c
JOIN file('$in/ad_groups.csv', CSVWithNames, 'ad_group_id String, ad_group_name String, campaign_id String') AS g USING (ad_group_id)
JOIN bench.campaigns AS p USING (campaign_id);

-- Read: the late files after the others, each row with its place, for of equal ids the first stays --------------------

CREATE TABLE bench.impressions ENGINE = Memory AS
SELECT impression_id AS event_id, timestamp AS event_time, known(user_id) AS user_id, creative_id, website, auction_id,
       CAST(price_cpm / 1000 AS Decimal(18, 9)) AS cost, currency, viewable, time_on_ad_ms, interactions, user_agent,
       (position(_path, '/late/') > 0, _row_number) AS place
FROM file('$in/{impressions,late/impressions}.ndjson', JSONEachRow, 'impression_id String, timestamp DateTime64(6),
  user_id Nullable(String), creative_id String, website LowCardinality(String), auction_id String, price_cpm Decimal(18, 9),
  currency LowCardinality(String), viewable Nullable(Bool), time_on_ad_ms Nullable(Int64), interactions Nullable(Int64),
  user_agent LowCardinality(String)')
WHERE impression_id != '' AND creative_id != '' AND price_cpm >= 0 AND timestamp >= '2000-01-01' AND timestamp < '2050-01-01'
  AND currency IN ('EUR', 'USD', 'GBP', 'JPY', 'AUD') AND isValidUTF8(website);

CREATE TABLE bench.clicks_conversions ENGINE = Memory AS
SELECT event_id, timestamp AS event_time, known(user_id) AS user_id, campaign_id, conversion_type, impression_id, cost, value,
       currency, order_id, adjustment, adjusts, user_agent, conversion_type IN ('', 'click') AS is_click,
       (position(_path, '/late/') > 0, _row_number) AS place
FROM file('$in/{clicks_conversions,late/clicks_conversions}.csv', CSVWithNames, 'event_id String, timestamp DateTime64(6),
  user_id String, campaign_id String, conversion_type String, impression_id String, cost Nullable(Decimal(18, 9)),
  value Nullable(Decimal(18, 9)), currency String, order_id String, adjustment String, adjusts String, user_agent String')
WHERE timestamp >= '2000-01-01' AND currency IN ('EUR', 'USD', 'GBP', 'JPY', 'AUD');

CREATE TABLE bench.bid_requests ENGINE = Memory AS
SELECT concat(id, '/', imp_id) AS event_id, time AS event_time, known(user) AS user_id, id AS auction_id, imp_id,
       tupleElement(site, 'domain') AS website, tupleElement(device, 'ua') AS user_agent,
       CAST(toDecimal128(floor_micros, 9) * toDecimal128('0.000000001', 9) AS Decimal(18, 9)) AS floor, currency
FROM file('$in/{bid_requests,late/bid_requests}.avro', Avro, 'id String, imp_id String, time DateTime64(6), user Nullable(String),
  site Tuple(domain String), device Tuple(ua String), floor_micros Int64, currency String')
LIMIT 1 BY event_id;

-- Drop repeats. Few ids repeat: those are found first. -----------------------------------------------------------------

CREATE TABLE bench.views ENGINE = Memory AS
WITH repeated AS (SELECT event_id, min(place) AS first FROM bench.impressions GROUP BY event_id HAVING count() > 1)
SELECT i.* EXCEPT (place), c.ad_group_id AS ad_group_id, c.campaign_id AS campaign_id,
       coalesce(c.advertiser_id, 'default') AS advertiser_id, part_of_day(event_time) AS part_of_day,
       toDayOfWeek(event_time) AS weekday, toDayOfWeek(event_time) >= 6 AS is_weekend, season(event_time) AS season
FROM bench.impressions AS i
LEFT JOIN bench.creatives AS c ON i.creative_id = c.creative_id AND event_time >= valid_from AND event_time < valid_to
WHERE event_id NOT IN (SELECT event_id FROM repeated) OR (event_id, place) IN (SELECT event_id, first FROM repeated);

CREATE TABLE bench.unique_rows ENGINE = Memory AS
SELECT r.*, p.advertiser_id AS advertiser_id, part_of_day(event_time) AS part_of_day, toDayOfWeek(event_time) AS weekday,
       toDayOfWeek(event_time) >= 6 AS is_weekend, season(event_time) AS season
FROM (SELECT * FROM bench.clicks_conversions ORDER BY place LIMIT 1 BY event_id) AS r
JOIN bench.campaigns AS p USING (campaign_id);

-- A conversion of an order that was seen before is a repeat too.
CREATE TABLE bench.conversions ENGINE = Memory AS
SELECT event_id, event_time, user_id, campaign_id AS reported_campaign_id, advertiser_id, conversion_type, value, currency,
       nullIf(order_id, '') AS order_id, nullIf(adjustment, '') AS adjustment, nullIf(adjusts, '') AS adjusts, user_agent,
       part_of_day, weekday, is_weekend, season
FROM (
  SELECT * FROM bench.unique_rows WHERE NOT is_click ORDER BY place
  LIMIT 1 BY if(order_id = '' OR adjustment != '', event_id, concat(advertiser_id, '|', conversion_type, '|', order_id)));

-- Attribute ------------------------------------------------------------------------------------------------------------

CREATE TABLE bench.joined_clicks ENGINE = Memory AS
SELECT c.*, v.event_id AS joined_id FROM (SELECT * FROM bench.unique_rows WHERE is_click AND impression_id != '') AS c
LEFT JOIN (SELECT event_id, advertiser_id FROM bench.views WHERE event_id IN (SELECT impression_id FROM bench.unique_rows)) AS v
  ON c.impression_id = v.event_id AND c.advertiser_id = v.advertiser_id
UNION ALL
SELECT c.*, if(c.event_time < v.event_time + INTERVAL 6 HOUR, v.event_id, NULL) AS joined_id
FROM (SELECT * FROM bench.unique_rows WHERE is_click AND impression_id = '') AS c
ASOF LEFT JOIN (SELECT event_id, user_id, campaign_id, event_time FROM bench.views
                WHERE user_id IN (SELECT user_id FROM bench.unique_rows WHERE is_click AND impression_id = '')) AS v
  ON c.user_id = v.user_id AND c.campaign_id = v.campaign_id AND c.event_time >= v.event_time;

-- A click less than a second after the last valid one on its impression is a double click: folded over each impression's.
CREATE TABLE bench.clicks ENGINE = Memory AS
WITH doubles AS (
  SELECT arrayJoin(tupleElement(arrayFold(
    (state, click) -> if(click.1 < state.1, (state.1, arrayPushBack(state.2, click.2)), (click.1 + 1000000, state.2)),
    arraySort(groupArray((toUnixTimestamp64Micro(event_time), event_id))), (toInt64(0), CAST([], 'Array(String)'))), 2)) AS event_id
  FROM bench.joined_clicks WHERE joined_id IS NOT NULL GROUP BY advertiser_id, joined_id HAVING count() > 1)
SELECT event_id, event_time, user_id, campaign_id, advertiser_id, joined_id AS impression_id, cost, currency, user_agent,
       part_of_day, weekday, is_weekend, season, event_id IN (SELECT event_id FROM doubles) AS is_double_click
FROM bench.joined_clicks;

CREATE TABLE bench.current_conversions ENGINE = Memory AS
SELECT c.* EXCEPT (value, currency), if(r.adjusts IS NULL, c.value, r.new_value) AS value, coalesce(r.new_currency, c.currency) AS currency
FROM bench.conversions AS c
LEFT JOIN (
  SELECT adjusts, advertiser_id, tupleElement(argMax(tuple(value), (event_time, event_id)), 1) AS new_value,
         argMax(currency, (event_time, event_id)) AS new_currency
  FROM bench.conversions WHERE adjustment = 'restatement' GROUP BY adjusts, advertiser_id
) AS r ON r.adjusts = c.event_id AND r.advertiser_id = c.advertiser_id
WHERE adjustment IS NULL AND (event_id, advertiser_id) NOT IN (
  SELECT assumeNotNull(adjusts), advertiser_id FROM bench.conversions WHERE adjustment = 'retraction');

-- The strongest class, then the latest, then the smallest id decides. A click brings one signup, a view one of each type.
CREATE TABLE bench.attributed ENGINE = Memory AS
WITH touches AS (
  SELECT event_id, event_time, user_id, advertiser_id, campaign_id, 2 AS class FROM bench.clicks WHERE NOT is_double_click
  UNION ALL
  SELECT event_id, event_time, user_id, advertiser_id, campaign_id, if(coalesce(viewable, false), 1, 0) FROM bench.views
  WHERE user_id IN (SELECT user_id FROM bench.current_conversions)
), best AS (
  SELECT c.event_id AS event_id, argMin((t.event_id, t.event_time, toString(t.campaign_id), t.class),
           (-t.class, -toUnixTimestamp64Micro(t.event_time), t.event_id)) AS touch
  FROM bench.current_conversions AS c JOIN touches AS t ON c.user_id = t.user_id AND c.advertiser_id = t.advertiser_id
  WHERE t.event_time <= c.event_time AND c.event_time < t.event_time + if(t.class = 2, INTERVAL 30 DAY, INTERVAL 1 DAY)
  GROUP BY c.event_id
), decided AS (
  SELECT c.*, b.event_id IS NOT NULL AND (use = 1 OR (b.touch.4 = 2 AND conversion_type != 'signup')) AS is_won, b.touch AS touch,
         row_number() OVER (PARTITION BY conversion_type, b.touch.1, b.touch.4 ORDER BY event_time, event_id) AS use
  FROM bench.current_conversions AS c LEFT JOIN best AS b ON c.event_id = b.event_id)
SELECT event_id, event_time, user_id, advertiser_id, conversion_type, value, currency, if(is_won, touch.1, NULL) AS touch_id,
       if(is_won, touch.2, NULL) AS touch_time, if(is_won, touch.3, NULL) AS campaign_id,
       if(is_won, ['view', 'viewable_view', 'click'][touch.4 + 1], NULL) AS touch_kind
FROM decided;

-- KPIs, and all tables as Parquet ----------------------------------------------------------------------------------------

INSERT INTO FUNCTION file('$out/kpi.csv', CSVWithNames)
SELECT toStartOfHour(event_time) AS hour, toString(campaign_id) AS campaign_id, currency, sum(is_view) AS impressions,
       sum(is_click) AS clicks, sum(cost) AS spend, sum(is_conversion) AS conversions, sum(revenue) AS attributed_revenue
FROM (
  SELECT event_time, campaign_id, toString(currency) AS currency, 1 AS is_view, 0 AS is_click, toNullable(cost) AS cost,
         0 AS is_conversion, CAST(NULL AS Nullable(Decimal(18, 9))) AS revenue FROM bench.views
  UNION ALL SELECT event_time, toNullable(campaign_id), currency, 0, toUInt8(NOT is_double_click), cost, 0, NULL FROM bench.clicks
  UNION ALL SELECT event_time, campaign_id, currency, 0, 0, NULL, 1, if(touch_id IS NULL, NULL, value) FROM bench.attributed)
GROUP BY hour, campaign_id, currency;
INSERT INTO FUNCTION file('$out/impressions.parquet', Parquet) SELECT * FROM bench.views;
INSERT INTO FUNCTION file('$out/clicks.parquet', Parquet) SELECT * FROM bench.clicks;
INSERT INTO FUNCTION file('$out/conversions.parquet', Parquet) SELECT * FROM bench.conversions;
INSERT INTO FUNCTION file('$out/attributed.parquet', Parquet) SELECT * FROM bench.attributed;
INSERT INTO FUNCTION file('$out/bid_requests.parquet', Parquet)
SELECT *, part_of_day(event_time) AS part_of_day, toDayOfWeek(event_time) AS weekday, toDayOfWeek(event_time) >= 6 AS is_weekend,
       season(event_time) AS season
FROM bench.bid_requests;
