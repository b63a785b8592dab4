// Networks as graphs: what follows from them, and what is refused.
#include "ops/net/networks.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "ops/core/error.h"
#include "ops/core/graph.h"
#include "ops/net/layers.h"

namespace gradproof {
namespace {

const Operation& network(const std::string& name) {
  static const std::vector<Operation> networks = network_operations();
  for (const Operation& operation : networks)
    if (operation.spec.name == name) return operation;
  throw std::logic_error(name);
}

Graph graph_of(const std::string& name, const std::string& attributes) {
  const Spec& spec = network(name).spec;
  return *spec.graph(make_case(spec, attributes).attributes);
}

Index parameters_of(const Graph& graph) {
  Index count = 0;
  for (const std::string& input : graph.inputs())
    if (input != "src") count += element_count(graph.shape_of(input));
  return count;
}

TEST(Networks, LeNet5HasTheParametersThatItIsKnownFor) {
  const Graph graph = graph_of("lenet5", "mb=1,i=28");
  EXPECT_EQ(parameters_of(graph), 61706);
  EXPECT_EQ(graph.shape_of(graph.result()), (Shape{1, 10}));
}

TEST(Networks, GlobalAveragesTakeImagesOfAnySizeAndLinearHeadsDoNot) {
  for (const char* parameter : {"conv1_weights", "conv2_weights", "linear_weights"})
    EXPECT_EQ(graph_of("gap_net", "mb=1,i=8").shape_of(parameter),
              graph_of("gap_net", "mb=1,ih=31,iw=50").shape_of(parameter));
  EXPECT_NE(graph_of("lenet5", "mb=1,i=28").shape_of("linear1_weights"),
            graph_of("lenet5", "mb=1,i=32").shape_of("linear1_weights"));
}

TEST(Networks, AResidualBlockReadsItsInputTwice) {
  int readers = 0;
  const Graph graph = graph_of("residual_block", "mb=1,i=8");
  for (const Node& node : graph.nodes())
    for (const auto& [slot, tensor] : node.tensors) readers += tensor == "src" ? 1 : 0;
  EXPECT_EQ(readers, 2);
}

TEST(Networks, RefusalsNameTheNetworkAndTheLayer) {
  try {
    graph_of("lenet5", "mb=1,i=4");
    FAIL() << "an image of 4 x 4 was accepted";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("lenet5: the layer that makes 'conv2' does not fit"), std::string::npos)
        << error.what();
  }
}

TEST(Graph, TensorsAreWrittenOnceAndKeepTheirShape) {
  const Layers layers;
  Graph graph("toy");
  graph.add(layers.relu, "mb=1,c=2,iw=3", {{"src", "src"}, {"dst", "x"}});
  EXPECT_THROW(graph.add(layers.relu, "mb=1,c=2,iw=3", {{"src", "src"}, {"dst", "x"}}), std::logic_error);
  EXPECT_THROW(graph.add(layers.relu, "mb=1,c=2,iw=4", {{"src", "x"}, {"dst", "y"}}), std::logic_error);
  EXPECT_THROW(graph.add(layers.linear, "mb=1,ic=2,oc=3", {{"src", "z"}, {"dst", "w"}}), std::logic_error)
      << "weights are missing";
}

TEST(Graph, IsBuiltOnceForEachAttributes) {
  const Spec& spec = network("lenet5").spec;
  int built = 0;
  const GraphOf graph = remembered([&](const Attributes&) {
    ++built;
    return Graph("toy");
  });
  const Attributes small = make_case(spec, "mb=1,i=16").attributes, large = make_case(spec, "mb=2,i=16").attributes;
  EXPECT_EQ(graph(small), graph(small));
  EXPECT_NE(graph(small), graph(large));
  EXPECT_EQ(built, 2);
}

}  // namespace
}  // namespace gradproof
