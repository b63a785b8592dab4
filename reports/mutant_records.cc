#include "reports/mutant_records.h"

#include <fmt/format.h>

#include "reports/fields.h"

namespace gradproof {

MutantRecord read_mutant_record(const Fields& f) {
  MutantRecord record;
  record.mutant = f.text("mutant");
  record.family = f.text_or_empty("family");
  record.file = f.text_or_empty("file");
  record.wrong = f.text_or_empty("wrong");
  record.operations = f.texts("operations");
  const std::string status = f.text("status");
  if (status != "killed" && status != "survived")
    f.refuse(fmt::format("status \"{}\" is not known for a mutant; it must be killed or survived", status));
  record.killed = status == "killed";
  record.reached = f.flag("reached");
  record.oracles = f.texts("oracles");
  record.op = f.text_or_empty("op");
  record.case_text = f.text_or_empty("case");
  record.pass = f.text_or_empty("pass");
  record.impl = f.text_or_empty("impl");
  record.tier = f.text_or_empty("tier");
  record.shrunk = f.text_or_empty("shrunk");
  record.noticed = f.text_or_empty("noticed");
  record.repro = f.text_or_empty("repro");
  record.seconds = f.amount("seconds");
  if (record.killed && (!record.reached || record.oracles.empty()))
    f.refuse("a mutant that is said to be killed was not reached, or no oracle is named that noticed it");
  return record;
}

}  // namespace gradproof
