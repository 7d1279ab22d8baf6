// SPDX-License-Identifier: Apache-2.0
// The tables beside the events: credits_log, facts, rejects, duplicates, audit, described once as
// fields.def does for events. Two more types: Bytes (raw, binary in Parquet) and WideMoney (128-bit
// sum of nanos, DECIMAL(38,9)).
#pragma once

// clang-format off

// T(RowsType, FIELDS, "table", partition column)
#define ADWEAVE_OTHER_TABLES(T) \
  T(CreditRows, ADWEAVE_CREDIT_FIELDS, "credits_log", conversion_time) \
  T(FactRows, ADWEAVE_FACT_FIELDS, "facts", event_time) \
  T(RejectRows, ADWEAVE_REJECT_FIELDS, "rejects", first_seen) \
  T(DuplicateRows, ADWEAVE_DUPLICATE_FIELDS, "duplicates", received_time) \
  T(AuditRows, ADWEAVE_AUDIT_FIELDS, "audit", posting_date)

// F(name, Type, Parquet field id, required, "description")
#define ADWEAVE_CREDIT_FIELDS(F) \
  F(conversion_id, Id, 200, true, "event_id of the conversion") \
  F(touch_id, Id, 201, false, "event_id of the touch; null: unattributed") \
  F(touch_kind, Dict, 202, false, "click, viewable_view or view") \
  F(policy, Dict, 203, true, "Name of the attribution policy") \
  F(model, Dict, 204, true, "last_touch, ...") \
  F(credit, Int, 205, true, "Parts per billion of one conversion") \
  F(value, Money, 206, true, "Share of the conversion's value") \
  F(currency, Dict, 207, false, "Currency of the value") \
  F(conversion_type, Dict, 208, true, "Type of the conversion") \
  F(advertiser_id, Dict, 209, true, "Advertiser of the conversion and the touch") \
  F(touch_time, Time, 210, false, "event_time of the touch") \
  F(conversion_time, Time, 211, true, "event_time of the conversion") \
  F(campaign_id, Dict, 212, false, "Campaign of the touch") \
  F(ad_group_id, Dict, 213, false, "Ad group of the touch") \
  F(creative_id, Dict, 214, false, "Creative of the touch") \
  F(placement_id, Dict, 215, false, "Placement of the touch") \
  F(website, Dict, 216, false, "Website of the touch") \
  F(reported_campaign_id, Dict, 217, false, "Campaign that the conversion's feed claims") \
  F(lag_us, Int, 218, false, "conversion_time - touch_time in microseconds") \
  F(path_position, Int, 219, false, "1 is the earliest touch of the path") \
  F(path_length, Int, 220, false, "Eligible touches of the conversion") \
  F(reason, Dict, 221, true, "won, share, outside_window, lower_class, superseded, repeat, ivt, consent; unattributed when there is no touch") \
  F(posting_date, Time, 222, true, "Start of the UTC day in which the credit is booked") \
  F(sign, Int, 223, true, "1 books the row, -1 takes an earlier one back") \
  F(commit, Int, 14, true, "Number of the commit that brought the row") \
  F(ledger_id, Dict, 15, true, "The ledger that holds the row")

#define ADWEAVE_FACT_FIELDS(F) \
  F(event_id, Id, 1, true, "The event the fact is about") \
  F(advertiser_id, Dict, 7, true, "Advertiser of the event") \
  F(kind, Dict, 300, true, "Kind of the event") \
  F(fact, Dict, 301, true, "joined_impression (fact_value: its event_id), double_click (true, false), later ivt, segment, ...") \
  F(fact_value, Str, 302, false, "What is said") \
  F(score, Float, 303, false, "How sure, 0 to 1") \
  F(sign, Int, 223, true, "1 states the fact, -1 takes it back") \
  F(event_time, Time, 2, true, "event_time of the event") \
  F(commit, Int, 14, true, "Number of the commit that brought the row") \
  F(ledger_id, Dict, 15, true, "The ledger that holds the row")

#define ADWEAVE_REJECT_FIELDS(F) \
  F(outcome, Dict, 400, true, "rejected or conflict") \
  F(reason, Dict, 401, true, "Machine-readable cause") \
  F(rule, Dict, 402, false, "The rule or field that was broken") \
  F(message, Str, 403, true, "What is wrong, in a sentence") \
  F(kind, Dict, 300, false, "Kind of the event, where it was known") \
  F(event_id, Id, 1, false, "Identity of the event, where it was known") \
  F(source, Dict, 8, true, "Name of the source") \
  F(source_position, Str, 9, true, "Where in the source") \
  F(raw, Bytes, 404, true, "The record's bytes, up to 1 MiB; empty in a row that takes another back") \
  F(raw_length, Int, 405, true, "Length of the record in bytes") \
  F(raw_hash, Str, 406, true, "128-bit hash of all its bytes, hexadecimal") \
  F(first_seen, Time, 407, true, "received_time of the record") \
  F(attempt, Int, 408, true, "1 at first, counted up by replays") \
  F(state, Dict, 409, true, "open, replayed, dropped") \
  F(sign, Int, 223, true, "1 states the reject, -1 takes it back") \
  F(commit, Int, 14, true, "Number of the commit that brought the row") \
  F(ledger_id, Dict, 15, true, "The ledger that holds the row")

#define ADWEAVE_DUPLICATE_FIELDS(F) \
  F(event_id, Id, 1, true, "Identity of the event") \
  F(kind, Dict, 300, true, "Kind of the event") \
  F(source, Dict, 8, true, "Name of the source of the repeat") \
  F(source_position, Str, 9, true, "Where the repeat was") \
  F(first_position, Str, 500, true, "Where the accepted event was") \
  F(first_commit, Int, 501, true, "Commit of the accepted event") \
  F(received_time, Time, 4, true, "received_time of the repeat") \
  F(commit, Int, 14, true, "Number of the commit that brought the row") \
  F(ledger_id, Dict, 15, true, "The ledger that holds the row")

#define ADWEAVE_AUDIT_FIELDS(F) \
  F(source, Dict, 8, true, "Name of the source") \
  F(currency, Dict, 55, false, "Null in the row of counts; set in a row of sums") \
  F(position_before, Str, 600, false, "Where the source stood before the commit") \
  F(position_after, Str, 601, false, "Where it stood after") \
  F(records_read, Int, 602, false, "Records, before explosion") \
  F(received, Int, 603, false, "Events, after explosion: accepted + duplicate + conflict + rejected") \
  F(accepted, Int, 604, false, "Events that entered their table") \
  F(duplicate, Int, 605, false, "Events that repeat an accepted one") \
  F(conflict, Int, 606, false, "Events with the identity of an accepted one and other content") \
  F(rejected, Int, 607, false, "Events, or undecodable byte ranges, that broke a rule") \
  F(cost, WideMoney, 608, false, "Sum of cost of the accepted events in this currency") \
  F(conversion_value, WideMoney, 609, false, "Sum of value of the accepted conversions in this currency") \
  F(posting_date, Time, 222, true, "Start of the UTC day of the latest receipt in the commit") \
  F(commit, Int, 14, true, "Number of the commit that brought the row") \
  F(ledger_id, Dict, 15, true, "The ledger that holds the row")

// clang-format on
