#include "reports/format.h"

#include <gtest/gtest.h>

#include <cmath>

namespace gradproof {
namespace {

TEST(Format, UnknownIsADash) {
  EXPECT_EQ(show_duration(std::nullopt), "–");
  EXPECT_EQ(show_ratio(std::nullopt), "–");
  EXPECT_EQ(show_percent(std::nullopt), "–");
}

TEST(Format, NumbersKeepAboutThreeDigits) {
  EXPECT_EQ(show_duration(0.31), "0.31 ns");
  EXPECT_EQ(show_duration(999.6), "1.00 µs");
  EXPECT_EQ(show_duration(12345678), "12.3 ms");
  EXPECT_EQ(show_duration(5e12), "5000 s");
  EXPECT_EQ(show_bytes(32768), "32 KiB");
  EXPECT_EQ(show_bytes(1.5 * 1024 * 1024), "1.5 MiB");
  EXPECT_EQ(show_rate(1234.4), "1,234");
  EXPECT_EQ(show_rate(0.0001), "1.0×10⁻⁴");
  EXPECT_EQ(show_ratio(0), "0");
  EXPECT_EQ(show_ratio(INFINITY), "∞");
  EXPECT_EQ(show_ratio(NAN), "–");
  EXPECT_EQ(show_ratio(0.6), "0.60");
  EXPECT_EQ(show_ratio(4.2e-5), "4.2×10⁻⁵");
  EXPECT_EQ(show_ratio(48213.7), "4.8×10⁴");
  EXPECT_EQ(show_ratio(1e-300), "1.0×10⁻³⁰⁰");
  EXPECT_EQ(show_percent(0.0123), "1.2\u00a0%");
  EXPECT_EQ(show_count(1234567), "1,234,567");
  EXPECT_EQ(show_count(-123), "-123");
  EXPECT_EQ(plural(1, "check"), "1 check");
  EXPECT_EQ(plural(0, "check"), "0 checks");
}

TEST(Format, Escapes) {
  EXPECT_EQ(escape_html("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
  EXPECT_EQ(escape_xml("a\x01"
                       "b"),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(escape_json_island("\"</script><!--\""), "\"\\u003c/script\\u003e\\u003c!--\"");
  EXPECT_EQ(escape_markdown("a|b\nc`d`<e>"), "a\\|b c\\`d\\`&lt;e\\>");
  EXPECT_EQ(markdown_code("a|b"), "`a\\|b`");
  EXPECT_EQ(markdown_code("a``b`"), "``` a``b` ```");
  EXPECT_EQ(escape_csv("plain"), "plain");
  EXPECT_EQ(escape_csv("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\"");
}

}  // namespace
}  // namespace gradproof
