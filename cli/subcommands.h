// The subcommands: what the user can set and what is then run. command_line.cc says how the options are written.
//
// All throw UsageError or ReportError for what the user can mend.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "checks/task.h"
#include "cli/command.h"
#include "cli/running.h"

namespace gradproof {

struct RunCommand {
  std::filesystem::path directory = "gradproof-results";
  BenchWish wish;  // its words say what to check, too
};
ExitCode run_all(const RunCommand& command, Session& session);

struct CheckCommand {
  CheckOptions options;
  std::filesystem::path cases;  // a file of cases, see cli/case_file.h; empty: not wanted, as everywhere here
  std::filesystem::path records, junit;
  std::string shard = "1/1";  // see checks/shard.h
  bool self = false;          // the planted bugs instead
};
ExitCode run_check(const CheckCommand& command, Session& session);

struct FuzzCommand {
  std::vector<std::string> patterns;  // operations or families
  double minutes = 1, seconds = 0;    // the sum; naming seconds alone means no minutes
  std::uint64_t seed = kDefaultSeed;
  Index from = 0;   // the drawing to go on with
  Index draws = 0;  // no more than these; 0: as many as there is time for
  std::string shard = "1/1";
  std::string implementation;
  std::vector<std::string> oracles;
  int jobs = 0;
  std::filesystem::path save;  // a file of cases: what fails is added
  std::filesystem::path records;
};
ExitCode run_fuzz(const FuzzCommand& command, Session& session);

struct MutateCommand {
  std::vector<std::string> patterns;  // of names of planted bugs, or of the operations that they concern
  bool list = false;                  // name them, and try none
  std::uint64_t seed = kDefaultSeed;
  int jobs = 0;
  std::filesystem::path records, junit;
};
ExitCode run_mutate(const MutateCommand& command, Session& session);

struct BenchCommand {
  BenchWish wish;
  std::filesystem::path records;
};
ExitCode run_bench(const BenchCommand& command, Session& session);

struct ReportCommand {
  std::vector<std::filesystem::path> records;
  std::filesystem::path html, markdown, csv;
};
ExitCode run_report(const ReportCommand& command, Session& session);

struct ListCommand {
  std::vector<std::string> patterns;
  bool json = false;
};
ExitCode run_list(const ListCommand& command, Session& session);

struct GateCommand {
  std::filesystem::path baseline, candidate;  // programs; no candidate: this one
  BenchWish wish;                             // what to watch
  double delta = 2;                           // percent
  double minutes = 5;
  bool strict = false;  // undecided is not good enough
  bool quick = false;   // fewer rounds and controls
  bool allow_mismatch = false;
  int core = -1;      // -1: the last one that may be used
  std::string plant;  // "5%:PATTERN": a slowdown in the measuring loop of the candidate
  bool calibrate = false;
  int runs = 20;  // of a calibration, with nothing planted; a fifth as many for each slowdown
  std::uint64_t seed = kDefaultSeed;
  std::filesystem::path exactness;  // the reviewed file; empty: the source tree's
  bool bless = false;               // make what is computed now the reviewed file
  std::string reason;               // of the blessing
  std::filesystem::path records, markdown, junit, html;
};
ExitCode run_gate(const GateCommand& command, Session& session);

struct ServeCommand {};
ExitCode run_serve(const ServeCommand& command, Session& session);

struct EvalCommand {
  std::string text;                     // the case
  std::string implementation = "simd";  // or "reference"
  std::vector<std::string> inputs;      // SLOT=FILE.npy
  std::filesystem::path directory;
  std::uint64_t seed = kDefaultSeed;
  int threads = 1;
};
ExitCode run_eval(const EvalCommand& command, Session& session);

struct VerifyCommand {
  std::string text;                 // the case
  std::vector<std::string> inputs;  // SLOT=FILE.npy
  std::vector<std::string> claims;  // the same, of what another program computed from them
  std::string pass;                 // empty: for each claim the one that writes it
  double seconds = 60;              // for each tensor
  std::filesystem::path records;
};
ExitCode run_verify(const VerifyCommand& command, Session& session);

struct OnnxCommand {
  std::vector<std::filesystem::path> directories;
  std::filesystem::path records;
};
ExitCode run_onnx(const OnnxCommand& command, Session& session);

}  // namespace gradproof
