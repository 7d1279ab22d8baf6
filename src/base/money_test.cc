// SPDX-License-Identifier: Apache-2.0
#include "base/money.h"

#include <gtest/gtest.h>

namespace adweave {
namespace {

TEST(Money, ReadsDecimalsExactly) {
  EXPECT_EQ(parse_money("12.5"), 12'500'000'000);
  EXPECT_EQ(parse_money("-0.000000001"), -1);
  EXPECT_EQ(parse_money("1e-3"), 1'000'000);
  EXPECT_EQ(parse_money("2.5E2"), 250'000'000'000);
  EXPECT_EQ(parse_money("0"), 0);
  EXPECT_EQ(parse_money("000.10"), 100'000'000);
  EXPECT_EQ(parse_money(".5"), 500'000'000);
  EXPECT_EQ(parse_money("5."), 5'000'000'000);
  EXPECT_EQ(parse_money("+5"), 5'000'000'000);
  EXPECT_EQ(parse_money("0000000000000000000012.5"), 12'500'000'000);
}

TEST(Money, RoundsBelowANanoHalfToEven) {
  EXPECT_EQ(parse_money("0.0000000005"), 0);
  EXPECT_EQ(parse_money("0.0000000015"), 2);
  EXPECT_EQ(parse_money("0.0000000025"), 2);
  EXPECT_EQ(parse_money("0.00000000250001"), 3);
  EXPECT_EQ(parse_money("1e-300"), 0);
}

TEST(Money, ReadsEveryUnit) {
  EXPECT_EQ(parse_money("1.25", MoneyUnit::per_thousand), 1'250'000);
  EXPECT_EQ(parse_money("1250000", MoneyUnit::micros), 1'250'000'000);
  EXPECT_EQ(parse_money("125", MoneyUnit::cents), 1'250'000'000);
  EXPECT_EQ(parse_money("125", MoneyUnit::nanos), 125);
}

TEST(Money, OfAWholeNumberIsThatOfItsText) {
  for (const int64_t number : {int64_t{0}, int64_t{-7}, int64_t{999'999'999},
                               int64_t{1'000'000'000}, kMoneyMax, kMoneyMax + 1, INT64_MIN}) {
    for (const MoneyUnit unit : {MoneyUnit::unit, MoneyUnit::per_thousand, MoneyUnit::nanos})
      EXPECT_EQ(money_of(number, unit), parse_money(std::to_string(number), unit)) << number;
  }
}

TEST(Money, RefusesWhatIsNoAmount) {
  for (const char* text :
       {"", ".", "-", "1,5", "1.2.3", "abc", "1e", "0x10", "NaN", " 1", "1 ", "${AUCTION_PRICE}"}) {
    EXPECT_EQ(parse_money(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_money("1000000000"), std::nullopt);
  EXPECT_EQ(parse_money("999999999.9999999999"), std::nullopt);
  EXPECT_EQ(parse_money("1e999999999999"), std::nullopt);
  EXPECT_EQ(parse_money("999999999.999999999"), kMoneyMax);
}

TEST(Money, FormatsNineDigits) {
  EXPECT_EQ(format_nanos(0), "0.000000000");
  EXPECT_EQ(format_nanos(-1), "-0.000000001");
  EXPECT_EQ(format_nanos(Int128{1'250'000'000}), "1.250000000");
  EXPECT_EQ(format_nanos(Int128{kMoneyMax} * 1000), "999999999999.999999000");
}

TEST(Money, KnowsCurrencies) {
  EXPECT_TRUE(is_currency("EUR"));
  EXPECT_FALSE(is_currency("eur"));
  EXPECT_FALSE(is_currency("ZZZ"));
  EXPECT_FALSE(is_currency(""));
}

}  // namespace
}  // namespace adweave
