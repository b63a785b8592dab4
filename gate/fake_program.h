// Programs that speak the protocol as a test wants: shell scripts in a directory that goes away.
#pragma once

#include <filesystem>
#include <string>

namespace gradproof {

class FakePrograms {
 public:
  FakePrograms();
  FakePrograms(const FakePrograms&) = delete;
  FakePrograms& operator=(const FakePrograms&) = delete;
  ~FakePrograms();

  // Answers every greeting and load, and takes `ns` of arithmetic on $case for a run: "100000", or
  // "case $case in *relu*) echo 110;; *) echo 100;; esac" where rows differ. A thousandth of noise is added.
  std::filesystem::path timed(const std::string& name, const std::string& ns);
  // Runs `script` for each request, with the line in $line; what it prints is the answer.
  std::filesystem::path scripted(const std::string& name, const std::string& script);

 private:
  std::filesystem::path directory_;
};

}  // namespace gradproof
