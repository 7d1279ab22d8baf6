// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "decode/avro_container.h"
#include "decode/avro_schema.h"
#include "decode/decode_test_support.h"
#include "tests/support/test_data.h"

namespace adweave::decode {
namespace {

using event::Field;
using event::Kind;
using event::Reason;

DecoderSpec bid_requests() {
  FieldRule amount = field(Field::bid_amount, {"auction_details.bid_amount"});
  amount.unit = MoneyUnit::per_thousand;
  FieldRule time;
  time.field = Field::event_time;
  time.from_receipt = true;
  return spec_of(Format::avro, {row(Kind::bid_request,
                                    {time, amount, field(Field::user_id, {"user_info.user_id"}),
                                     field(Field::location, {"user_info.location"}),
                                     field(Field::auction_id, {"auction_details.auction_id"}),
                                     field(Field::targeting, {"ad_targeting"})})});
}

TEST(AvroDecoder, ReadsTheCaseStudysBidRequests) {
  const auto out = decode_text(bid_requests(), tests::test_data("seeds/bid_requests.avro"));
  const event::Batch& batch = out.batch(Kind::bid_request);
  ASSERT_TRUE(out.rejects.empty());
  ASSERT_EQ(batch.rows, 2);
  EXPECT_EQ(out.records_read, 2);
  EXPECT_EQ(batch.user_id[0], "201");
  EXPECT_EQ(batch.user_id[1], "202");
  EXPECT_EQ(batch.event_time[0], kReceived);
  EXPECT_EQ(batch.spans[1].element, 1);
  EXPECT_NE(batch.targeting[0].find("\"creative_id\""), std::string_view::npos);
  EXPECT_GT(batch.bid_amount[0], 0);
}

TEST(AvroDecoder, EveryTruncationIsAnErrorOrARejectNeverACrash) {
  const std::string text = tests::test_data("seeds/bid_requests.avro");
  const auto header = read_avro_header(text);
  ASSERT_TRUE(header && *header);
  for (size_t size = (*header)->length + 1; size < text.size(); ++size) {
    const auto out = decode_text(bid_requests(), text.substr(0, size));
    EXPECT_EQ(out.batch(Kind::bid_request).rows, 0);
    ASSERT_EQ(out.rejects.size(), 1U) << size;
    EXPECT_EQ(out.rejects[0].reason, Reason::malformed);
  }
}

TEST(AvroDecoder, ADamagedBlockIsOneRejectAndTheNextIsRead) {
  std::string text = tests::test_data("seeds/bid_requests.avro");
  const auto header = **read_avro_header(text);
  const std::string block = text.substr(header.length);
  std::string damaged = block;
  damaged[4] = static_cast<char>(~damaged[4]);
  const auto out =
      decode_text(bid_requests(), text.substr(0, header.length) + block + damaged + block);
  EXPECT_EQ(out.batch(Kind::bid_request).rows, 4);
  ASSERT_EQ(out.rejects.size(), 1U);
  EXPECT_EQ(out.rejects[0].span.offset, static_cast<int64_t>(block.size()));
}

TEST(AvroDecoder, EveryAlteredByteIsHandled) {
  const std::string text = tests::test_data("seeds/bid_requests.avro");
  const size_t begin = (**read_avro_header(text)).length;
  for (size_t i = begin; i < text.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      std::string altered = text;
      altered[i] = static_cast<char>(altered[i] ^ (1 << bit));
      const auto slices = decode_file(bid_requests(), altered);
      for (const auto& out : slices) EXPECT_LE(out.batch(Kind::bid_request).rows, 2);
    }
  }
}

TEST(AvroHeader, AForeignFileIsRefused) {
  EXPECT_FALSE(read_avro_header("PAR1 and more"));
  EXPECT_TRUE(read_avro_header("Ob"));
  EXPECT_FALSE(*read_avro_header("Ob"));
}

TEST(AvroSchema, NamedTypesMayRefToThemselves) {
  const auto schema = AvroSchema::parse(
      R"({"type":"record","name":"n.List","fields":[{"name":"v","type":"long"},{"name":"next","type":["null","List"]}]})");
  ASSERT_TRUE(schema);
  EXPECT_EQ(schema->root().items[1]->items[1], &schema->root());
  EXPECT_FALSE(AvroSchema::parse(R"({"type":"recordd"})"));
  EXPECT_FALSE(AvroSchema::parse(R"({"type":"array"})"));
}

}  // namespace
}  // namespace adweave::decode
