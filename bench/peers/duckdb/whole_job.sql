-- The whole job in one script, as an expert writes it for DuckDB: typed columns, what is invalid is dropped where it is
-- read, repeats are found by grouping ids, joins of click and person by ASOF joins, Parquet with zstd level 1 as ours.
-- $in and $out are replaced; bid requests are JSON here, for DuckDB does not read Avro without an extension.

SET TimeZone = 'UTC';

CREATE TEMP MACRO known(id) AS CASE WHEN id IN ('', '0', '00000000-0000-0000-0000-000000000000') THEN NULL ELSE id END;
CREATE TEMP MACRO is_possible(t) AS t >= TIMESTAMPTZ '2000-01-01' AND t < TIMESTAMPTZ '2050-01-01';
CREATE TEMP MACRO part_of_day(t) AS CASE hour(t) // 6 WHEN 0 THEN 'night' WHEN 1 THEN 'morning' WHEN 2 THEN 'afternoon' ELSE 'evening' END;
CREATE TEMP MACRO season(t) AS CASE month(t) % 12 // 3 WHEN 0 THEN 'winter' WHEN 1 THEN 'spring' WHEN 2 THEN 'summer' ELSE 'autumn' END;

CREATE TEMP TABLE creatives AS  -- a creative may move to another ad group
SELECT creative_id, ad_group_id, campaign_id, advertiser_id, coalesce(valid_from::TIMESTAMP, '-infinity') AS valid_from,
       coalesce(valid_to::TIMESTAMP, 'infinity') AS valid_to
FROM read_csv('$in/creatives.csv', all_varchar = true) c
JOIN read_csv('$in/ad_groups.csv', all_varchar = true) g USING (ad_group_id)
JOIN read_csv('$in/campaigns.csv', all_varchar = true) p USING (campaign_id);
CREATE TEMP TABLE currencies AS SELECT currency FROM read_csv('$in/advertisers.csv', all_varchar = true);

-- Read -------------------------------------------------------------------------------------------------------------

CREATE TEMP TABLE impressions AS
SELECT impression_id AS event_id, timestamp::TIMESTAMP AS event_time, known(user_id) AS user_id, creative_id, website, auction_id,
       (price_cpm / 1000)::DECIMAL(18,9) AS cost, currency, viewable, time_on_ad_ms, interactions, user_agent,
       contains(filename, '/late/') AS is_late
FROM read_json(['$in/impressions.ndjson', '$in/late/impressions.ndjson'], format = 'newline_delimited',
  ignore_errors = true, filename = true, columns = {impression_id: 'VARCHAR', timestamp: 'TIMESTAMPTZ', user_id: 'VARCHAR',
    creative_id: 'VARCHAR', website: 'VARCHAR', auction_id: 'VARCHAR', price_cpm: 'DECIMAL(18,6)', currency: 'VARCHAR',
    viewable: 'BOOLEAN', time_on_ad_ms: 'BIGINT', interactions: 'BIGINT', user_agent: 'VARCHAR'})
WHERE impression_id IS NOT NULL AND creative_id IS NOT NULL AND is_possible(timestamp) AND price_cpm >= 0
  AND currency IN (FROM currencies);

-- In parallel, 1.5.6 loses good rows around a broken quote.
CREATE TEMP TABLE clicks_conversions AS
SELECT event_id, timestamp::TIMESTAMP AS event_time, known(user_id) AS user_id, campaign_id, conversion_type, impression_id, cost,
       value, currency, order_id, adjustment, adjusts, user_agent,
       contains(filename, '/late/') AS is_late, conversion_type IS NULL OR conversion_type IN ('', 'click') AS is_click
FROM read_csv(['$in/clicks_conversions.csv', '$in/late/clicks_conversions.csv'], header = true, quote = '"',
  escape = '"', ignore_errors = true, parallel = false, filename = true, auto_detect = false, columns = {event_id: 'VARCHAR', timestamp: 'TIMESTAMPTZ',
    user_id: 'VARCHAR', campaign_id: 'VARCHAR', conversion_type: 'VARCHAR', impression_id: 'VARCHAR',
    cost: 'DECIMAL(18,9)', value: 'DECIMAL(18,9)', currency: 'VARCHAR', order_id: 'VARCHAR', adjustment: 'VARCHAR',
    adjusts: 'VARCHAR', user_agent: 'VARCHAR'})
WHERE is_possible(timestamp) AND currency IN (FROM currencies);

CREATE TEMP TABLE bid_requests AS
SELECT id || '/' || imp_id AS event_id, make_timestamp(time) AS event_time, id AS auction_id, imp_id,
       known("user") AS user_id, site.domain AS website, device.ua AS user_agent,
       (floor_micros::DECIMAL(18,0) * 0.000000001::DECIMAL(9,9))::DECIMAL(18,9) AS floor, currency, contains(filename, '/late/') AS is_late
FROM read_json(['$in/bid_requests.ndjson', '$in/late/bid_requests.ndjson'], format = 'newline_delimited',
  ignore_errors = true, filename = true, columns = {id: 'VARCHAR', imp_id: 'VARCHAR', time: 'BIGINT', "user": 'VARCHAR',
    site: 'STRUCT(domain VARCHAR)', device: 'STRUCT(ua VARCHAR)', floor_micros: 'BIGINT', currency: 'VARCHAR'})
WHERE id IS NOT NULL AND floor_micros >= 0 AND currency IN (FROM currencies);

-- Drop repeats: of equal ids the first row stays, of the late files none that came before. Few ids repeat: find those.

CREATE TEMP TABLE repeated_impressions AS
SELECT unnest(list_sort(list({late: is_late, row: rowid}))[2:]).row AS place FROM impressions
WHERE event_id IN (SELECT event_id FROM impressions GROUP BY event_id HAVING count(*) > 1) GROUP BY event_id;
DELETE FROM impressions WHERE rowid IN (SELECT place FROM repeated_impressions);
CREATE TEMP TABLE repeated_bid_requests AS
SELECT unnest(list_sort(list({late: is_late, row: rowid}))[2:]).row AS place FROM bid_requests
WHERE event_id IN (SELECT event_id FROM bid_requests GROUP BY event_id HAVING count(*) > 1) GROUP BY event_id;
DELETE FROM bid_requests WHERE rowid IN (SELECT place FROM repeated_bid_requests);
CREATE TEMP TABLE repeated_clicks_conversions AS
SELECT unnest(list_sort(list({late: is_late, row: rowid}))[2:]).row AS place FROM clicks_conversions
WHERE event_id IN (SELECT event_id FROM clicks_conversions GROUP BY event_id HAVING count(*) > 1) GROUP BY event_id;
DELETE FROM clicks_conversions WHERE rowid IN (SELECT place FROM repeated_clicks_conversions);

-- Enrich: campaign, time ---------------------------------------------------------------------------------------------

CREATE TEMP TABLE views AS
SELECT i.* EXCLUDE (is_late), ad_group_id, campaign_id, coalesce(advertiser_id, 'default') AS advertiser_id,
       part_of_day(event_time) AS part_of_day, isodow(event_time)::TINYINT AS weekday,
       isodow(event_time) >= 6 AS is_weekend, season(event_time) AS season
FROM impressions i LEFT JOIN creatives c
  ON i.creative_id = c.creative_id AND event_time >= valid_from AND event_time < valid_to;

CREATE TEMP TABLE clicks AS
SELECT event_id, event_time, user_id, campaign_id, advertiser_id, impression_id AS sent_impression_id, cost, currency,
       user_agent, part_of_day(event_time) AS part_of_day, isodow(event_time)::TINYINT AS weekday,
       isodow(event_time) >= 6 AS is_weekend, season(event_time) AS season
FROM clicks_conversions JOIN read_csv('$in/campaigns.csv', all_varchar = true) USING (campaign_id) WHERE is_click;

-- A conversion of an order that was seen before is a repeat too.
CREATE TEMP TABLE conversions AS
SELECT event_id, event_time, user_id, campaign_id AS reported_campaign_id, advertiser_id, conversion_type, value,
       currency, order_id, nullif(adjustment, '') AS adjustment, nullif(adjusts, '') AS adjusts, user_agent,
       part_of_day(event_time) AS part_of_day, isodow(event_time)::TINYINT AS weekday,
       isodow(event_time) >= 6 AS is_weekend, season(event_time) AS season
FROM (SELECT *, rowid AS row FROM clicks_conversions)
JOIN read_csv('$in/campaigns.csv', all_varchar = true) USING (campaign_id)
WHERE NOT is_click
QUALIFY order_id IS NULL OR adjustment IS NOT NULL
  OR row_number() OVER (PARTITION BY advertiser_id, conversion_type, order_id, adjustment ORDER BY is_late, row) = 1;

-- Attribute ----------------------------------------------------------------------------------------------------------

-- A click is of the impression that it names; one that names none of its person's latest of the campaign within six hours.
CREATE TEMP TABLE joined_clicks AS
WITH named AS (
  SELECT c.*, v.event_id AS impression_id
  FROM clicks c LEFT JOIN views v ON c.sent_impression_id = v.event_id AND c.advertiser_id = v.advertiser_id
  WHERE sent_impression_id IS NOT NULL
), unnamed AS (
  SELECT c.*, CASE WHEN c.event_time - v.event_time < INTERVAL 6 HOURS THEN v.event_id END AS impression_id
  FROM clicks c ASOF LEFT JOIN (SELECT * FROM views WHERE user_id IN (SELECT user_id FROM clicks WHERE sent_impression_id IS NULL)) v
    ON c.user_id = v.user_id AND c.campaign_id = v.campaign_id AND c.event_time >= v.event_time
  WHERE sent_impression_id IS NULL
)
FROM named UNION ALL FROM unnamed;

-- A click less than a second after the last valid one on its impression is a double click. Few impressions have several.
CREATE TEMP TABLE valid_clicks AS
WITH RECURSIVE several AS (
  SELECT advertiser_id, impression_id, event_id, event_time FROM joined_clicks WHERE impression_id IS NOT NULL
  QUALIFY count(*) OVER (PARTITION BY advertiser_id, impression_id) > 1
), valid AS (
  SELECT advertiser_id, impression_id, min((event_time, event_id)) AS click FROM several GROUP BY ALL
  UNION ALL
  SELECT advertiser_id, impression_id, min((s.event_time, s.event_id))
  FROM valid v JOIN several s USING (advertiser_id, impression_id)
  WHERE s.event_time >= struct_extract(v.click, 1) + INTERVAL 1 SECOND GROUP BY ALL
)
SELECT advertiser_id, impression_id, struct_extract(click, 2) AS event_id FROM valid;
CREATE TEMP TABLE marked_clicks AS
SELECT c.*, v.impression_id IS NOT NULL AND c.event_id NOT IN (SELECT event_id FROM valid_clicks) AS is_double_click
FROM joined_clicks c LEFT JOIN (SELECT DISTINCT advertiser_id, impression_id FROM valid_clicks) v USING (advertiser_id, impression_id);

CREATE TEMP TABLE current_conversions AS
SELECT c.* EXCLUDE (value, currency), CASE WHEN r.adjusts IS NULL THEN c.value ELSE r.value END AS value,
       coalesce(r.currency, c.currency) AS currency
FROM conversions c LEFT JOIN (
  SELECT adjusts, advertiser_id, arg_max(value, (event_time, event_id)) AS value,
         arg_max(currency, (event_time, event_id)) AS currency
  FROM conversions WHERE adjustment = 'restatement' GROUP BY ALL) r ON r.adjusts = c.event_id AND r.advertiser_id = c.advertiser_id
WHERE adjustment IS NULL
  AND NOT EXISTS (FROM conversions t WHERE t.adjustment = 'retraction' AND t.adjusts = c.event_id AND t.advertiser_id = c.advertiser_id);

CREATE TEMP TABLE touches AS
SELECT event_id, event_time, user_id, advertiser_id, campaign_id, 2 AS class FROM marked_clicks WHERE NOT is_double_click
UNION ALL
SELECT event_id, event_time, user_id, advertiser_id, campaign_id, coalesce(viewable, false)::INTEGER FROM views
WHERE user_id IN (SELECT user_id FROM current_conversions);

-- The strongest class, then the latest, then the smallest id decides. A click brings one signup, a view one of each type.
CREATE TEMP TABLE attributed AS
WITH best AS (
  SELECT c.event_id, arg_min(t, (-t.class, -epoch_us(t.event_time), t.event_id)) AS touch
  FROM current_conversions c JOIN touches t USING (user_id, advertiser_id)
  WHERE t.event_time <= c.event_time
    AND c.event_time - t.event_time < CASE WHEN t.class = 2 THEN INTERVAL 30 DAYS ELSE INTERVAL 1 DAY END
  GROUP BY c.event_id
), decided AS (
  SELECT c.*, touch, row_number() OVER (PARTITION BY conversion_type, touch.event_id, touch.class ORDER BY event_time, event_id) AS use
  FROM current_conversions c LEFT JOIN best USING (event_id)
)
SELECT * EXCLUDE (touch, use), touch.event_id AS touch_id, touch.event_time AS touch_time, touch.campaign_id AS campaign_id,
       ['view', 'viewable_view', 'click'][touch.class + 1] AS touch_kind
FROM (SELECT * REPLACE (CASE WHEN use = 1 OR (touch.class = 2 AND conversion_type <> 'signup') THEN touch END AS touch) FROM decided);

-- KPIs, and all tables as Parquet ------------------------------------------------------------------------------------

COPY (
  WITH parts AS (
    SELECT event_time, campaign_id, currency, 1 AS impressions, 0 AS clicks, cost, 0 AS conversions, NULL AS revenue FROM views
    UNION ALL SELECT event_time, campaign_id, currency, 0, (NOT is_double_click)::INTEGER, cost, 0, NULL FROM marked_clicks
    UNION ALL SELECT event_time, campaign_id, currency, 0, 0, NULL, 1, CASE WHEN touch_id IS NOT NULL THEN value END FROM attributed)
  SELECT date_trunc('hour', event_time) AS hour, campaign_id, currency, sum(impressions) AS impressions,
         sum(clicks) AS clicks, sum(cost) AS spend, sum(conversions) AS conversions, sum(revenue) AS attributed_revenue
  FROM parts GROUP BY ALL
) TO '$out/kpi.csv';

COPY views TO '$out/impressions.parquet' (COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2);
COPY marked_clicks TO '$out/clicks.parquet' (COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2);
COPY conversions TO '$out/conversions.parquet' (COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2);
COPY attributed TO '$out/attributed.parquet' (COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2);
COPY (
  SELECT * EXCLUDE (is_late), part_of_day(event_time) AS part_of_day, isodow(event_time)::TINYINT AS weekday,
         isodow(event_time) >= 6 AS is_weekend, season(event_time) AS season
  FROM bid_requests
) TO '$out/bid_requests.parquet' (COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2);
