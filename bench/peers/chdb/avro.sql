-- Bid requests into typed columns, then what is in them.
SET input_format_avro_allow_missing_fields = 0;
CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic;
CREATE TABLE bench.bids ENGINE = Memory AS
SELECT id, imp_id, time, user, tupleElement(site, 'domain') AS website, tupleElement(device, 'ua') AS user_agent,
       floor_micros, currency
FROM file('$in/{bid_requests,late/bid_requests}.avro', Avro, 'id String, imp_id String, time DateTime64(6), user Nullable(String),
  site Tuple(domain String), device Tuple(ua String), floor_micros Int64, currency String');
INSERT INTO FUNCTION file('$out/sums', TSVRaw, 'line String')
SELECT arrayJoin([
  concat('rows ', toString(count())),
  concat('auction_id ', toString(count()), ' ', toString(sum(length(id)))),
  concat('imp_id ', toString(count()), ' ', toString(sum(length(imp_id)))),
  concat('event_time ', toString(count()), ' ', toString(sum(toInt128(toUnixTimestamp64Micro(time))))),
  concat('user_id ', toString(count(user)), ' ', toString(sum(length(user)))),
  concat('website ', toString(count()), ' ', toString(sum(length(website)))),
  concat('user_agent ', toString(count()), ' ', toString(sum(length(user_agent)))),
  concat('floor ', toString(count()), ' ', toString(sum(floor_micros))),
  concat('currency ', toString(count()), ' ', toString(sum(length(currency))))])
FROM bench.bids;
