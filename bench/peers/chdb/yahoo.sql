-- Views by campaign and 10 s of event time.
INSERT INTO FUNCTION file('$out/windows.csv', CSVWithNames, 'window Int64, campaign_id String, events UInt64')
SELECT intDiv(event_time, 10000) * 10 AS window, campaign_id, count() AS events
FROM file('$in/events.ndjson', JSONEachRow, 'ad_id String, event_type String, event_time Int64') AS ad_events
JOIN file('$in/creatives.csv', CSVWithNames, 'creative_id String, campaign_id String') AS creatives
  ON ad_id = creative_id
WHERE event_type = 'view'
GROUP BY window, campaign_id
