-- Clicks into typed columns, then what is in them.
SET TimeZone = 'UTC';
CREATE TEMP TABLE clicks AS FROM read_csv('$in/clicks.csv', header = true, quote = '"', escape = '"', auto_detect = false,
  columns = {event_id: 'VARCHAR', timestamp: 'TIMESTAMPTZ', user_id: 'VARCHAR', campaign_id: 'VARCHAR',
    impression_id: 'VARCHAR', cost: 'DECIMAL(18,9)', currency: 'VARCHAR', note: 'VARCHAR', user_agent: 'VARCHAR'});
COPY (
  SELECT unnest([
    'rows ' || count(*),
    'event_id ' || count(event_id) || ' ' || sum(strlen(event_id)),
    'event_time ' || count(timestamp) || ' ' || sum(epoch_us(timestamp)),
    'user_id ' || count(user_id) || ' ' || sum(strlen(user_id)),
    'campaign_id ' || count(campaign_id) || ' ' || sum(strlen(campaign_id)),
    'impression_id ' || count(impression_id) || ' ' || sum(strlen(impression_id)),
    'cost ' || count(cost) || ' ' || (sum(cost) * 1000000000)::HUGEINT,
    'currency ' || count(currency) || ' ' || sum(strlen(currency)),
    'page_category ' || count(note) || ' ' || sum(strlen(note)),
    'user_agent ' || count(user_agent) || ' ' || sum(strlen(user_agent))])
  FROM clicks
) TO '$out/sums' (FORMAT csv, HEADER false, QUOTE '', DELIMITER '\t');
