#include "gate/fake_program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace gradproof {
namespace {

constexpr const char* kGreeting =
    R"(echo '{"protocol":1,"environment":{"processor":"toy","compiler":"cc","flags":"-O"}}')";

}  // namespace

FakePrograms::FakePrograms() {
  std::string pattern = (std::filesystem::temp_directory_path() / "gradproof-fake-XXXXXX").string();
  directory_ = mkdtemp(pattern.data());
}

FakePrograms::~FakePrograms() { std::filesystem::remove_all(directory_); }

std::filesystem::path FakePrograms::scripted(const std::string& name, const std::string& script) {
  const std::filesystem::path path = directory_ / name;
  std::ofstream(path) << fmt::format("#!/bin/bash\nwhile read -r line; do\n{}\ndone\n", script);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  return path;
}

std::filesystem::path FakePrograms::timed(const std::string& name, const std::string& ns) {
  const std::string script = fmt::format(R"(case $line in
  *'"hello"'*) {} ;;
  *'"load"'*) case=${{line#*'"case":"'}}; case=${{case%%'"'*}}; echo '{{"ready":true,"isa":"TOY","ns":100000,"bits":"1"}}' ;;
  *'"time"'*)
    base=$({})
    times=
    for i in 1 2 3 4 5 6 7 8; do times+=,$((base + RANDOM % (base / 500 + 1))); done
    echo "{{\"ns\":[${{times#,}}],\"disturbed\":0,\"stolen\":0}}" ;;
esac)",
                                         kGreeting, ns);
  return scripted(name, script);
}

}  // namespace gradproof
