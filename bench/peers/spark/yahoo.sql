SELECT event_time::BIGINT DIV 10000 * 10 AS window, campaign_id, count(*) AS events
FROM events JOIN creatives ON ad_id = creative_id
WHERE event_type = 'view'
GROUP BY ALL
