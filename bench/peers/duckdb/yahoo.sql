-- Views by campaign and 10 s of event time.
COPY (
  SELECT event_time // 10000 * 10 AS window, campaign_id, count(*) AS events
  FROM read_json('$in/events.ndjson', format = 'newline_delimited',
    columns = {ad_id: 'VARCHAR', event_type: 'VARCHAR', event_time: 'BIGINT'})
  JOIN read_csv('$in/creatives.csv', header = true, all_varchar = true) ON ad_id = creative_id
  WHERE event_type = 'view'
  GROUP BY ALL
) TO '$out/windows.csv' (FORMAT csv, HEADER);
