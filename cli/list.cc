// gradproof list: what there is to check and to time.
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench/peers/peers.h"
#include "bench/shapes.h"
#include "checks/oracle.h"
#include "checks/property/property.h"
#include "cli/selection.h"
#include "cli/subcommands.h"

namespace gradproof {
namespace {

struct Listing {
  const Operation* operation;
  std::vector<std::string> passes, implementations, oracles;
  size_t smoke = 0, full = 0, bench = 0;
};

const char* role_text(Role role) {
  switch (role) {
    case Role::kInput:
      return "input";
    case Role::kOutput:
      return "output";
    case Role::kSaved:
      return "saved";
  }
  return "";
}

// Whether the oracle has anything to ask about the operation's listed cases.
bool asks(const Oracle& oracle, const std::vector<Case>& cases) {
  return std::any_of(cases.begin(), cases.end(), [&](const Case& c) {
    const std::vector<Pass> passes = c.spec->passes();
    return std::any_of(passes.begin(), passes.end(), [&](const Pass& pass) {
      return has_pass(*c.spec, c.attributes, pass) && oracle.applies(c, pass);
    });
  });
}

Listing list_operation(const Operation& operation, const std::vector<Layer>& layers) {
  Listing listing;
  listing.operation = &operation;
  for (const Pass& pass : operation.spec.passes()) listing.passes.push_back(pass.to_text());
  for (const Implementation& implementation : operation.implementations)
    listing.implementations.push_back(implementation.name);
  std::vector<Case> cases;
  for (const std::string& text : operation.spec.smoke_cases) cases.push_back(make_case(operation.spec, text));
  for (const Layer& layer : layers) {
    if (layer.work.spec != &operation.spec) continue;
    cases.push_back(layer.work);
    ++listing.bench;
  }
  for (const Oracle& oracle : all_oracles())
    if (asks(oracle, cases)) listing.oracles.push_back(oracle.name);
  listing.smoke = operation.spec.smoke_cases.size();
  listing.full = listing.smoke + operation.spec.full_cases.size();
  return listing;
}

nlohmann::ordered_json json_of(const Listing& listing) {
  const Spec& spec = listing.operation->spec;
  nlohmann::ordered_json slots = nlohmann::ordered_json::array();
  for (const Slot& slot : spec.slots)
    slots.push_back({{"name", slot.name}, {"role", role_text(slot.role)}, {"differentiable", slot.differentiable}});
  return {{"op", spec.name},
          {"family", spec.family},
          {"slots", slots},
          {"passes", listing.passes},
          {"impls", listing.implementations},
          {"oracles", listing.oracles},
          {"cases", {{"smoke", listing.smoke}, {"full", listing.full}, {"bench", listing.bench}}}};
}

std::vector<std::string> text_of(const Listing& listing, const Console& console) {
  const Spec& spec = listing.operation->spec;
  std::vector<std::string> keys;
  for (const AttributeSpec& attribute : spec.attributes) keys.push_back(attribute.key);
  return {console.paint(Colour::kStrong, spec.name) + "  " + spec.summary,
          fmt::format("  passes      {}", fmt::join(listing.passes, " ")),
          fmt::format("  attributes  {}", fmt::join(keys, " ")),
          fmt::format("  impls       {}", fmt::join(listing.implementations, " ")),
          fmt::format("  oracles     {}", fmt::join(listing.oracles, " ")),
          fmt::format("  cases       {} smoke, {} full, {} bench", listing.smoke, listing.full, listing.bench)};
}

// Those of the operations and families listed.
void list_properties(const std::vector<const Operation*>& operations, Console& console) {
  const auto is_listed = [&](const std::string& name) {
    return std::any_of(operations.begin(), operations.end(),
                       [&](const Operation* operation) { return operation->spec.name == name; });
  };
  for (const Property& property : all_properties())
    if (std::any_of(property.operations.begin(), property.operations.end(), is_listed))
      console.line(console.paint(Colour::kStrong, property.name) + "  " + property.claim);
}

}  // namespace

ExitCode run_list(const ListCommand& command, Session& session) {
  const std::vector<Layer> layers = load_shapes(session.registry, "standard");
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  const std::vector<const Operation*> operations = select_operations(session.registry, command.patterns);
  for (const Operation* operation : operations) {
    const Listing listing = list_operation(*operation, layers);
    json.push_back(json_of(listing));
    if (command.json) continue;
    for (const std::string& text : text_of(listing, session.console)) session.console.line(text);
  }
  if (!command.json) list_properties(operations, session.console);
  for (const auto& [library, version] : peer_libraries())
    if (!command.json)
      session.console.line(fmt::format("{}  {}", session.console.paint(Colour::kStrong, library), version));
  if (command.json) session.console.line(json.dump(2));
  return kHeld;
}

}  // namespace gradproof
