#include "bench/shapes.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "bench/shapes_data.h"
#include "ops/core/error.h"

namespace gradproof {
namespace {

std::vector<std::string> words_of(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::vector<std::string> words;
  constexpr std::string_view kBlanks = " \t\r";
  for (size_t start = line.find_first_not_of(kBlanks); start != std::string_view::npos;) {
    const size_t end = std::min(line.find_first_of(kBlanks, start), line.size());
    words.emplace_back(line.substr(start, end - start));
    start = line.find_first_not_of(kBlanks, end);
  }
  return words;
}

std::optional<int> positive_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 1) return {};
  return value;
}

bool has_batch(std::string_view case_text) {
  return case_text.find(":mb=") != std::string_view::npos || case_text.find(",mb=") != std::string_view::npos;
}

class Parser {
 public:
  Parser(const Registry& registry, std::string file) : registry_(registry), file_(std::move(file)) {}

  void read_line(std::string_view line) {
    ++line_;
    const std::vector<std::string> words = words_of(line);
    if (words.empty()) return;
    if (words[0] == "batch") {
      read_batch(words);
    } else {
      read_layer(words);
    }
  }

  std::vector<Layer> finish() {
    if (layers_.empty())
      refuse(
          "{}: there is no layer in it; give at least one line like \"conv1  conv:mb=1,ic=3,i=224,oc=64,k=7,s=2,p=3\"",
          file_);
    return std::move(layers_);
  }

 private:
  template <class... Args>
  [[noreturn]] void refuse_line(fmt::format_string<Args...> text, Args&&... args) const {
    refuse("{}:{}: {}", file_, line_, fmt::format(text, std::forward<Args>(args)...));
  }

  void read_batch(const std::vector<std::string>& words) {
    batches_.clear();
    for (size_t i = 1; i < words.size(); ++i) {
      const std::optional<int> batch = positive_number(words[i]);
      if (!batch) refuse_line("'{}' is not a batch size; it must be a whole number, 1 or more", words[i]);
      batches_.push_back(*batch);
    }
    if (batches_.empty()) refuse_line("'batch' must be followed by one or more batch sizes, as in \"batch 1 8\"");
  }

  void read_layer(const std::vector<std::string>& words) {
    if (words.size() < 2 || words.size() > 3)
      refuse_line("a layer must be a name, a case and at most a multiplicity, as in \"fc  linear:mb=1,ic=4,oc=2  x3\"");
    if (!names_.insert(words[0]).second)
      refuse_line("the name '{}' is given twice; every layer needs its own", words[0]);
    const int multiplicity = words.size() == 3 ? read_multiplicity(words[2]) : 1;
    if (has_batch(words[1]) || batches_.empty()) {
      add(words[0], words[1], multiplicity);
      return;
    }
    for (int batch : batches_) {
      std::string text = words[1];
      if (const size_t colon = text.find(':'); colon != std::string::npos)
        text.insert(colon + 1, fmt::format("mb={},", batch));
      add(batches_.size() == 1 ? words[0] : fmt::format("{}/mb:{}", words[0], batch), text, multiplicity);
    }
  }

  int read_multiplicity(const std::string& word) const {
    const std::optional<int> count = word[0] == 'x' ? positive_number(std::string_view(word).substr(1)) : std::nullopt;
    if (!count) refuse_line("'{}' is not a multiplicity; it must be x and a whole number, as in x3", word);
    return *count;
  }

  void add(const std::string& name, const std::string& text, int multiplicity) {
    try {
      layers_.push_back({name, registry_.parse_case(text), multiplicity});
    } catch (const UsageError& error) {
      refuse_line("{}", error.what());
    }
  }

  const Registry& registry_;
  std::string file_;
  int line_ = 0;
  std::vector<int> batches_;
  std::set<std::string> names_;
  std::vector<Layer> layers_;
};

std::string read_text(const std::string& path) {
  std::error_code ignored;
  std::ifstream stream(path, std::ios::binary);
  // Reading a directory throws from deep within the stream.
  if (!stream || std::filesystem::is_directory(path, ignored))
    refuse("--sizes {}: there is no such readable file, and no list of that name; the lists are {}", path,
           fmt::join(embedded_shape_names(), ", "));
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace

std::vector<Layer> parse_shapes(const Registry& registry, std::string_view text, const std::string& file) {
  Parser parser(registry, file);
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    parser.read_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parser.finish();
}

std::vector<Layer> load_shapes(const Registry& registry, const std::string& sizes) {
  for (const EmbeddedShapes& shapes : embedded_shapes())
    if (shapes.name == sizes) return parse_shapes(registry, shapes.text, sizes + ".txt");
  return parse_shapes(registry, read_text(sizes), sizes);
}

std::vector<std::string> embedded_shape_names() {
  std::vector<std::string> names;
  for (const EmbeddedShapes& shapes : embedded_shapes()) names.emplace_back(shapes.name);
  return names;
}

}  // namespace gradproof
