-- The whole job in Spark SQL over the views raw_... that whole_job.py makes. What is read twice is cached.

CREATE OR REPLACE TEMPORARY FUNCTION known(id STRING) RETURNS STRING
RETURN CASE WHEN id IN ('', '0', '00000000-0000-0000-0000-000000000000') THEN NULL ELSE id END;
CREATE OR REPLACE TEMPORARY FUNCTION part_of_day(t TIMESTAMP) RETURNS STRING
RETURN CASE hour(t) DIV 6 WHEN 0 THEN 'night' WHEN 1 THEN 'morning' WHEN 2 THEN 'afternoon' ELSE 'evening' END;
CREATE OR REPLACE TEMPORARY FUNCTION season(t TIMESTAMP) RETURNS STRING
RETURN CASE month(t) % 12 DIV 3 WHEN 0 THEN 'winter' WHEN 1 THEN 'spring' WHEN 2 THEN 'summer' ELSE 'autumn' END;

CACHE TABLE dated_creatives AS
SELECT creative_id, ad_group_id, campaign_id, advertiser_id, coalesce(to_timestamp(valid_from), TIMESTAMP '1970-01-01') AS valid_from,
       coalesce(to_timestamp(valid_to), TIMESTAMP '2200-01-01') AS valid_to
FROM creatives JOIN ad_groups USING (ad_group_id) JOIN campaigns USING (campaign_id);

-- Read; each row with its place, for of equal ids the first stays, of the late files none that came before.
CACHE TABLE impressions OPTIONS ('storageLevel' 'MEMORY_ONLY') AS
SELECT impression_id AS event_id, timestamp AS event_time, known(user_id) AS user_id, creative_id, website, auction_id,
       CAST(price_cpm / 1000 AS DECIMAL(18,9)) AS cost, currency, viewable, time_on_ad_ms, interactions, user_agent,
       place
FROM raw_impressions
WHERE impression_id IS NOT NULL AND creative_id IS NOT NULL AND price_cpm >= 0 AND timestamp >= '2000-01-01'
  AND timestamp < '2050-01-01' AND currency IN ('EUR', 'USD', 'GBP', 'JPY', 'AUD') AND NOT contains(website, '\uFFFD');

CACHE TABLE clicks_conversions OPTIONS ('storageLevel' 'MEMORY_ONLY') AS
SELECT event_id, timestamp AS event_time, known(user_id) AS user_id, campaign_id, conversion_type, impression_id, cost, value,
       currency, order_id, adjustment, adjusts, user_agent, coalesce(conversion_type, 'click') = 'click' AS is_click,
       place
FROM raw_clicks_conversions
WHERE timestamp >= '2000-01-01' AND currency IN ('EUR', 'USD', 'GBP', 'JPY', 'AUD') AND NOT startswith(event_id, '"');

CACHE TABLE bid_requests OPTIONS ('storageLevel' 'MEMORY_ONLY') AS
SELECT concat(id, '/', imp_id) AS event_id, timestamp_micros(time) AS event_time, id AS auction_id, imp_id,
       known(user) AS user_id, site.domain AS website, device.ua AS user_agent,
       CAST(CAST(floor_micros AS DECIMAL(18,0)) * 0.000000001BD AS DECIMAL(18,9)) AS floor, currency,
       place
FROM raw_bid_requests WHERE id IS NOT NULL AND floor_micros >= 0 AND currency IN ('EUR', 'USD', 'GBP', 'JPY', 'AUD');

-- Few ids repeat: those are found first.
CREATE OR REPLACE TEMPORARY VIEW out_bid_requests AS
SELECT b.* EXCEPT (place), part_of_day(event_time) AS part_of_day, weekday(event_time) + 1 AS weekday,
       weekday(event_time) >= 5 AS is_weekend, season(event_time) AS season
FROM bid_requests b LEFT JOIN (SELECT event_id AS id, min(place) AS first FROM bid_requests GROUP BY event_id HAVING count(*) > 1)
  ON event_id = id
WHERE id IS NULL OR place = first;

CACHE TABLE out_impressions OPTIONS ('storageLevel' 'MEMORY_ONLY') AS
SELECT i.* EXCEPT (place), ad_group_id, campaign_id, coalesce(advertiser_id, 'default') AS advertiser_id,
       part_of_day(event_time) AS part_of_day, weekday(event_time) + 1 AS weekday, weekday(event_time) >= 5 AS is_weekend,
       season(event_time) AS season
FROM impressions i
LEFT JOIN (SELECT event_id AS id, min(place) AS first FROM impressions GROUP BY event_id HAVING count(*) > 1) ON event_id = id
LEFT JOIN dated_creatives c ON i.creative_id = c.creative_id AND event_time >= valid_from AND event_time < valid_to
WHERE id IS NULL OR place = first;

CACHE TABLE unique_rows AS
SELECT r.*, advertiser_id, part_of_day(event_time) AS part_of_day, weekday(event_time) + 1 AS weekday,
       weekday(event_time) >= 5 AS is_weekend, season(event_time) AS season
FROM (SELECT *, row_number() OVER (PARTITION BY event_id ORDER BY place) AS copy FROM clicks_conversions) r
JOIN campaigns USING (campaign_id) WHERE copy = 1;

-- A conversion of an order that was seen before is a repeat too.
CACHE TABLE out_conversions AS
SELECT event_id, event_time, user_id, campaign_id AS reported_campaign_id, advertiser_id, conversion_type, value, currency,
       order_id, adjustment, adjusts, user_agent, part_of_day, weekday, is_weekend, season
FROM (
  SELECT *, row_number() OVER (PARTITION BY advertiser_id, conversion_type, order_id, adjustment ORDER BY place) AS number
  FROM unique_rows WHERE NOT is_click)
WHERE order_id IS NULL OR adjustment IS NOT NULL OR number = 1;

-- Attribute: the impression that a click names, or its person's latest of the campaign within six hours.
CACHE TABLE joined_clicks AS
SELECT c.*, v.event_id AS joined_id FROM (SELECT * FROM unique_rows WHERE is_click AND impression_id IS NOT NULL) c
LEFT JOIN out_impressions v ON c.impression_id = v.event_id AND c.advertiser_id = v.advertiser_id
UNION ALL
SELECT c.*, b.joined_id FROM (SELECT * FROM unique_rows WHERE is_click AND impression_id IS NULL) c
LEFT JOIN (
  SELECT c.event_id AS click, min_by(v.event_id, struct(-unix_micros(v.event_time), v.event_id)) AS joined_id
  FROM unique_rows c JOIN out_impressions v ON c.user_id = v.user_id AND c.campaign_id = v.campaign_id
  WHERE c.is_click AND c.impression_id IS NULL AND v.event_time <= c.event_time AND c.event_time < v.event_time + INTERVAL 6 HOURS
  GROUP BY c.event_id) b ON c.event_id = b.click;

-- A click less than a second after the last valid one on its impression is a double click.
CACHE TABLE doubles AS
SELECT explode(aggregate(clicks, named_struct('until', 0L, 'doubles', CAST(array() AS ARRAY<STRING>)),
  (s, c) -> named_struct('until', if(c.t < s.until, s.until, c.t + 1000000L),
                         'doubles', if(c.t < s.until, concat(s.doubles, array(c.id)), s.doubles))).doubles) AS event_id
FROM (
  SELECT sort_array(collect_list(struct(unix_micros(event_time) AS t, event_id AS id))) AS clicks
  FROM joined_clicks WHERE joined_id IS NOT NULL GROUP BY advertiser_id, joined_id HAVING count(*) > 1);

CACHE TABLE out_clicks AS
SELECT event_id, event_time, user_id, campaign_id, advertiser_id, joined_id AS impression_id, cost, currency, user_agent,
       part_of_day, weekday, is_weekend, season, event_id IN (SELECT event_id FROM doubles) AS is_double_click
FROM joined_clicks;

CACHE TABLE current_conversions AS
SELECT c.* EXCEPT (value, currency), if(r.about IS NULL, c.value, r.new_value) AS value, coalesce(new_currency, c.currency) AS currency
FROM out_conversions c
LEFT JOIN (
  SELECT adjusts AS about, advertiser_id, max_by(value, struct(event_time, event_id)) AS new_value,
         max_by(currency, struct(event_time, event_id)) AS new_currency
  FROM out_conversions WHERE adjustment = 'restatement' GROUP BY adjusts, advertiser_id) r
  ON r.about = c.event_id AND r.advertiser_id = c.advertiser_id
LEFT ANTI JOIN (SELECT adjusts, advertiser_id FROM out_conversions WHERE adjustment = 'retraction') t
  ON t.adjusts = c.event_id AND t.advertiser_id = c.advertiser_id
WHERE adjustment IS NULL;

-- The strongest class, then the latest, then the smallest id decides. A click brings one signup, a view one of each type.
CACHE TABLE out_attributed AS
WITH touches AS (
  SELECT event_id, event_time, user_id, advertiser_id, campaign_id, 2 AS class FROM out_clicks WHERE NOT is_double_click
  UNION ALL SELECT event_id, event_time, user_id, advertiser_id, campaign_id, if(coalesce(viewable, false), 1, 0) FROM out_impressions
), best AS (
  SELECT c.event_id AS id, min(struct(-class AS class, -unix_micros(t.event_time) AS time, t.event_id, t.campaign_id)) AS touch
  FROM current_conversions c JOIN touches t ON c.user_id = t.user_id AND c.advertiser_id = t.advertiser_id
  WHERE t.event_time <= c.event_time AND c.event_time < t.event_time + if(class = 2, INTERVAL 30 DAYS, INTERVAL 1 DAY)
  GROUP BY c.event_id
), decided AS (
  SELECT c.*, touch, row_number() OVER (PARTITION BY conversion_type, touch.event_id, touch.class ORDER BY event_time, c.event_id) AS use
  FROM current_conversions c LEFT JOIN best ON c.event_id = id
), won AS (
  SELECT * EXCEPT (touch, use), if(use = 1 OR (touch.class = -2 AND conversion_type <> 'signup'), touch, NULL) AS touch FROM decided)
SELECT * EXCEPT (touch), touch.event_id AS touch_id, timestamp_micros(-touch.time) AS touch_time, touch.campaign_id AS campaign_id,
       CASE touch.class WHEN 0 THEN 'view' WHEN -1 THEN 'viewable_view' WHEN -2 THEN 'click' END AS touch_kind
FROM won;

CREATE OR REPLACE TEMPORARY VIEW kpis AS
WITH parts AS (
  SELECT event_time, campaign_id, currency, 1 AS impressions, 0 AS clicks, cost, 0 AS conversions, CAST(NULL AS DECIMAL(18,9)) AS revenue
  FROM out_impressions
  UNION ALL SELECT event_time, campaign_id, currency, 0, if(is_double_click, 0, 1), cost, 0, NULL FROM out_clicks
  UNION ALL SELECT event_time, campaign_id, currency, 0, 0, NULL, 1, if(touch_id IS NULL, NULL, value) FROM out_attributed)
SELECT date_trunc('HOUR', event_time) AS hour, campaign_id, currency, sum(impressions) AS impressions, sum(clicks) AS clicks,
       sum(cost) AS spend, sum(conversions) AS conversions, sum(revenue) AS attributed_revenue
FROM parts GROUP BY 1, 2, 3
