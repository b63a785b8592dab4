// The page in a real browser with the network off: scripts run, charts are drawn, nothing overflows.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "reports/fixture.h"
#include "reports/format.h"
#include "reports/report.h"

namespace gradproof {
namespace {

namespace fs = std::filesystem;

std::string find_browser() {
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"}) {
    if (std::system(("command -v " + std::string(name) + " >/dev/null 2>&1").c_str()) == 0) return name;
  }
  return "";
}

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return out;
  std::array<char, 65536> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) out.append(buffer.data(), got);
  const int status = pclose(pipe);
  EXPECT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0) << command;
  return out;
}

// The tag of the page's root element, where main.js leaves what it found.
std::string root_tag(const std::string& dom) {
  std::smatch found;
  const std::string head = dom.substr(0, 4096);
  return std::regex_search(head, found, std::regex("<html[^>]*>")) ? found[0].str() : "";
}

std::string attribute(const std::string& tag, const std::string& name) {
  std::smatch found;
  return std::regex_search(tag, found, std::regex(name + "=\"([^\"]*)\"")) ? found[1].str() : "(absent)";
}

// Chromium makes no window narrower than 500 pixels, so the narrow page stands in a frame, which tells what it found.
constexpr int kNarrow = 390;
constexpr const char* kCopyAttributes =
    "const page = document.querySelector('iframe').contentDocument, root = document.documentElement;"
    "for (const { name, value } of page.documentElement.attributes) root.setAttribute(name, value);";

class Browser : public testing::Test {
 protected:
  void SetUp() override {
    browser_ = find_browser();
    if (browser_.empty()) GTEST_SKIP() << "no Chromium is installed, so the page was not opened in a browser";
    std::string pattern = (fs::temp_directory_path() / "gradproof_browser_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }

  // `in_frame` is script that runs once the framed page stands; `page` is then its document.
  void write_page(const Records& records, const std::string& in_frame = "") {
    const std::string page = render_html(records);
    write("report.html", page);
    write("framed.html",
          "<!doctype html><html><body style=\"margin:0\"><iframe style=\"border:0;width:" + std::to_string(kNarrow) +
              "px;height:900px\" srcdoc=\"" + escape_html(page) + "\"></iframe><script>onload = () => {" +
              kCopyAttributes + in_frame + "};</script></body></html>");
  }

  void write(const char* name, const std::string& text) { std::ofstream(folder_ / name) << text; }

  // Opens the page; returns its document after the scripts have run, and leaves a picture of it.
  std::string open(int width, bool dark) {
    const std::string command =
        "timeout 60 " + browser_ +
        " --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --host-resolver-rules='MAP * ~NOTFOUND' "
        "--blink-settings=preferredColorScheme=" +
        (dark ? "0" : "1") + " --user-data-dir='" + (folder_ / "profile").string() +
        "' --window-size=" + std::to_string(width) + ",900 --screenshot='" + picture().string() +
        "' --dump-dom 'file://" + (folder_ / (width == kNarrow ? "framed.html" : "report.html")).string() +
        "' 2>/dev/null";
    return output_of(command);
  }

  fs::path picture() const { return folder_ / "page.png"; }

  void expect_healthy(const std::string& dom, const std::string& charts) {
    const std::string root = root_tag(dom);
    EXPECT_EQ(attribute(root, "data-ready"), "true") << root;
    EXPECT_EQ(attribute(root, "data-errors"), "(absent)") << root;
    EXPECT_EQ(attribute(root, "data-charts"), charts) << root;
    EXPECT_EQ(attribute(root, "data-blank"), "0") << root;
    EXPECT_EQ(attribute(root, "data-overflow"), "0") << root;
  }

  std::string browser_;
  fs::path folder_;
};

class BrowserView : public Browser, public testing::WithParamInterface<std::pair<int, bool>> {};

TEST_P(BrowserView, DrawsEveryChartWithoutErrorsOrOverflow) {
  const auto [width, dark] = GetParam();
  write_page(fixture_records(true));
  const std::string dom = open(width, dark);
  expect_healthy(dom, "6");
  EXPECT_EQ(attribute(root_tag(dom), "data-scheme"), dark ? "dark" : "light");
  EXPECT_EQ(attribute(root_tag(dom), "data-width"), std::to_string(width)) << "the window must really be that wide";
  EXPECT_FALSE(std::regex_search(dom, std::regex("(src|href)=\"https?://"))) << "nothing is fetched";
  ASSERT_TRUE(fs::exists(picture()));
  EXPECT_GT(fs::file_size(picture()), 10'000u);
}

TEST_P(BrowserView, DrawsTheGate) {
  const auto [width, dark] = GetParam();
  write_page(parse_lines(gate_lines()));
  const std::string dom = open(width, dark);
  expect_healthy(dom, "2");
  EXPECT_EQ(attribute(root_tag(dom), "data-scheme"), dark ? "dark" : "light");
}

INSTANTIATE_TEST_SUITE_P(Page, BrowserView,
                         testing::Values(std::pair(1280, false), std::pair(1280, true), std::pair(kNarrow, false),
                                         std::pair(kNarrow, true)),
                         [](const auto& test) {
                           return std::string(test.param.second ? "dark" : "light") + std::to_string(test.param.first);
                         });

TEST_F(Browser, DrawsTheGateBesideEverythingElse) {
  write_page(parse_lines(fixture_lines(true) + gate_lines()));
  expect_healthy(open(1280, false), "8");
}

TEST_F(Browser, SurvivesAGateThatMeasuredNothing) {
  write_page(parse(a_gate()));
  expect_healthy(open(1280, false), "0");
}

TEST_F(Browser, SurvivesAnEmptyReport) {
  write_page(Records{});
  expect_healthy(open(1280, false), "0");
}

TEST_F(Browser, SurvivesRecordsThatKnowAlmostNothing) {
  nlohmann::json check = a_check();
  check["reason"] = "</script><script>document.documentElement.dataset.broken = 1</script>";
  check["op"] = "<img src=x onerror=\"document.documentElement.dataset.broken = 1\">";
  write_page(parse_lines(check.dump() + "\n" + a_timing().dump() + "\n"));
  const std::string dom = open(1280, false);
  expect_healthy(dom, "0");
  EXPECT_EQ(attribute(root_tag(dom), "data-broken"), "(absent)");
}

TEST_F(Browser, SortsAndFilters) {
  write_page(fixture_records(true), R"(
    const first = () => page.querySelector('tbody.operation th b').textContent;
    const sort = [...page.querySelectorAll('#operation-table > thead button')].find((b) => b.textContent === 'Gradient digits');
    sort.click();
    root.dataset.most = first();
    sort.click();
    root.dataset.fewest = first();
    const form = page.getElementById('filter');
    const filter = (text) => { form.elements.text.value = text; form.oninput(); };
    filter('fc6 vjp:weights');
    root.dataset.found = form.elements.found.value;
    root.dataset.operations = page.querySelectorAll('tbody.operation:not([hidden])').length;
    filter('');
    root.dataset.all = page.querySelectorAll('tbody.operation:not([hidden])').length;
  )");
  const std::string root = root_tag(open(kNarrow, false));
  EXPECT_EQ(attribute(root, "data-most"), "relu");
  EXPECT_EQ(attribute(root, "data-fewest"), "batch_norm");
  EXPECT_EQ(attribute(root, "data-found"), "3 of 120 timings");
  EXPECT_EQ(attribute(root, "data-operations"), "1");
  EXPECT_EQ(attribute(root, "data-all"), "5");
}

}  // namespace
}  // namespace gradproof
