#include "ops/net/networks.h"

#include <fmt/format.h>

#include "ops/core/window.h"
#include "ops/net/layers.h"
#include "ops/net/network.h"

namespace gradproof {
namespace {

std::vector<AttributeSpec> image_attributes(std::vector<AttributeSpec> others) {
  std::vector<AttributeSpec> specs{integer_attribute("mb", "batch")};
  for (AttributeSpec& spec : input_size_attributes())
    if (spec.axis > 0) specs.push_back(std::move(spec));
  for (AttributeSpec& spec : others) specs.push_back(std::move(spec));
  return specs;
}

// Writes layers down as they follow one another: each reads what the one before it wrote.
class Sequence {
 public:
  Sequence(std::string network, const Layers& layers, const Attributes& a, Index channels)
      : graph_(std::move(network)),
        layers_(layers),
        mb_(a.integer("mb")),
        c_(channels),
        ih_(a.integer("ih")),
        iw_(a.integer("iw")) {}

  // Square windows.
  Sequence& conv(const std::string& name, Index oc, Index k, Index p, Index s = 1) {
    append(layers_.conv, fmt::format("ic={},ih={},iw={},oc={},k={},s={},p={}", c_, ih_, iw_, oc, k, s, p), name,
           {{"weights", name + "_weights"}, {"bias", name + "_bias"}});
    return *this;
  }
  Sequence& coord_conv(const std::string& name, Index oc, Index k, Index p) {
    append(layers_.coord_conv, fmt::format("ic={},ih={},iw={},oc={},k={},p={}", c_, ih_, iw_, oc, k, p), name,
           {{"weights", name + "_weights"}, {"bias", name + "_bias"}});
    return *this;
  }
  Sequence& depthwise_separable_conv(const std::string& name, Index oc, Index k, Index p, Index s) {
    append(layers_.depthwise_separable_conv,
           fmt::format("ic={},ih={},iw={},oc={},k={},s={},p={}", c_, ih_, iw_, oc, k, s, p), name,
           {{"weights_dw", name + "_weights_dw"}, {"weights_pw", name + "_weights_pw"}, {"bias", name + "_bias"}});
    return *this;
  }
  Sequence& group_norm(const std::string& name, Index groups) {
    append(layers_.group_norm, map_text() + fmt::format(",g={}", groups), name,
           {{"gamma", name + "_gamma"}, {"beta", name + "_beta"}});
    return *this;
  }
  Sequence& relu(const std::string& name) { return plain(layers_.relu, "", name); }
  Sequence& lrn(const std::string& name) { return plain(layers_.lrn, "", name); }
  Sequence& max_pool(const std::string& name, Index k, Index s) {
    return plain(layers_.max_pool, fmt::format(",k={},s={}", k, s), name);
  }
  Sequence& global_avg_pool(const std::string& name) { return plain(layers_.global_avg_pool, "", name); }
  Sequence& flatten(const std::string& name) { return plain(layers_.flatten, "", name); }
  Sequence& linear(const std::string& name, Index oc) {
    append(layers_.linear, fmt::format("ic={},oc={}", c_, oc), name,
           {{"weights", name + "_weights"}, {"bias", name + "_bias"}});
    return *this;
  }
  // Adds a tensor of the same shape.
  Sequence& add(const std::string& other, const std::string& name) {
    append(layers_.add, map_text(), name, {{"other", other}});
    return *this;
  }
  Sequence& from(const std::string& tensor) {
    last_ = tensor;
    take_sizes(graph_.shape_of(tensor));
    return *this;
  }

  Graph graph() const { return graph_; }

 private:
  std::string map_text() const { return fmt::format("c={},ih={},iw={}", c_, ih_, iw_); }

  Sequence& plain(const Operation& operation, const std::string& more, const std::string& name) {
    append(operation, map_text() + more, name, {});
    return *this;
  }

  void append(const Operation& operation, const std::string& attributes, const std::string& name,
              std::map<std::string, std::string, std::less<>> tensors) {
    tensors["src"] = last_;
    tensors["dst"] = name;
    graph_.add(operation, fmt::format("mb={},{}", mb_, attributes), std::move(tensors));
    last_ = name;
    take_sizes(graph_.shape_of(name));
  }

  void take_sizes(const Shape& shape) {
    c_ = shape[1];
    ih_ = shape.rank() == 4 ? shape[2] : 1;
    iw_ = shape.rank() == 4 ? shape[3] : 1;
  }

  Graph graph_;
  const Layers& layers_;
  const Index mb_;
  Index c_, ih_, iw_;
  std::string last_ = "src";
};

// Maxima before the relus that they commute with: a quarter of the relus, and no ties between their zeros.
Network lenet5() {
  return {.name = "lenet5",
          .summary =
              "LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998, Proc. IEEE 86, section II.B) with relu and maxima "
              "for its sigmoids and subsampling: 5x5 conv, pool, 5x5 conv, pool, three linear layers",
          .attributes = image_attributes({integer_attribute("c1", "channels of the first convolution", 6),
                                          integer_attribute("c2", "channels of the second", 16),
                                          integer_attribute("f1", "features of the first linear layer", 120),
                                          integer_attribute("f2", "features of the second", 84),
                                          integer_attribute("classes", "classes", 10)}),
          .graph =
              [](const Layers& layers, const Attributes& a) {
                return Sequence("lenet5", layers, a, 1)
                    .conv("conv1", a.integer("c1"), 5, 2)
                    .max_pool("pool1", 2, 2)
                    .relu("relu1")
                    .conv("conv2", a.integer("c2"), 5, 0)
                    .max_pool("pool2", 2, 2)
                    .relu("relu2")
                    .flatten("features")
                    .linear("linear1", a.integer("f1"))
                    .relu("relu3")
                    .linear("linear2", a.integer("f2"))
                    .relu("relu4")
                    .linear("linear3", a.integer("classes"))
                    .graph();
              },
          .smoke_cases = {"mb=2,ih=12,iw=13,c1=2,c2=3,f1=5,f2=4,classes=3"},
          .full_cases = {"mb=1,ih=16,iw=12,c1=3,c2=2,f1=7,f2=6", "mb=1,i=28"},
          .invalid_cases = {{"mb=1,ih=8,iw=28", "lenet5"}, {"mb=1,i=28,c1=0", "c1"}}};
}

Network gap_net() {
  return {.name = "gap_net",
          .summary =
              "two 3x3 conv blocks, global average pooling, one linear layer: accepts images of any size. With maps=1 "
              "the linear layer at every pixel and no pooling: class activation maps, whose averages are the scores "
              "(Zhou et al. 2016, CVPR)",
          .attributes = image_attributes({integer_attribute("ic", "channels of the image", 3),
                                          integer_attribute("c1", "channels of the first block", 16),
                                          integer_attribute("c2", "channels of the second", 32),
                                          integer_attribute("classes", "classes", 10),
                                          flag_attribute("maps", "class activation maps, not scores", false)}),
          .graph =
              [](const Layers& layers, const Attributes& a) {
                Sequence maps = Sequence("gap_net", layers, a, a.integer("ic"))
                                    .conv("conv1", a.integer("c1"), 3, 1)
                                    .relu("relu1")
                                    .conv("conv2", a.integer("c2"), 3, 1)
                                    .relu("relu2");
                const Index classes = a.integer("classes");
                if (a.flag("maps")) return maps.conv("linear", classes, 1, 0).graph();
                return maps.global_avg_pool("means").flatten("features").linear("linear", classes).graph();
              },
          .smoke_cases = {"mb=2,ih=5,iw=4,ic=2,c1=3,c2=4,classes=3"},
          .full_cases = {"mb=1,ih=1,iw=7,ic=1,c1=2,c2=3,classes=5", "mb=3,ih=6,iw=5,ic=2,c1=4,c2=5,classes=2",
                         "mb=2,ih=4,iw=5,ic=1,c1=2,c2=3,classes=4,maps=1"},
          .invalid_cases = {{"mb=1,ih=8", "iw"}, {"mb=1,i=8,classes=0", "classes"}}};
}

Network alexnet_head() {
  return {.name = "alexnet_head",
          .summary =
              "AlexNet's first layers: 11x11 conv 4 apart, relu, local response normalization, overlapping 3x3 "
              "max pooling 2 apart (Krizhevsky, Sutskever and Hinton 2012, NIPS, section 3)",
          .attributes = image_attributes({integer_attribute("ic", "channels of the image", 3),
                                          integer_attribute("oc", "channels of the convolution", 96)}),
          .graph =
              [](const Layers& layers, const Attributes& a) {
                return Sequence("alexnet_head", layers, a, a.integer("ic"))
                    .conv("conv", a.integer("oc"), 11, 0, 4)
                    .relu("relu")
                    .lrn("lrn")
                    .max_pool("pool", 3, 2)
                    .graph();
              },
          .smoke_cases = {"mb=1,ih=19,iw=23,ic=1,oc=6"},
          .full_cases = {"mb=2,ih=23,iw=19,ic=2,oc=3"},
          .invalid_cases = {{"mb=1,i=10", "alexnet_head"}, {"mb=1,i=227,oc=0", "oc"}}};
}

Network residual_block() {
  return {.name = "residual_block",
          .summary =
              "relu(src + norm(conv(relu(norm(conv(src)))))) with 3x3 conv (He, Zhang, Ren and Sun 2016, CVPR, "
              "figure 2) and group norm (Wu and He 2018, ECCV)",
          .attributes = image_attributes(
              {integer_attribute("c", "channels", 64), integer_attribute("g", "groups of the norms", 32)}),
          .graph =
              [](const Layers& layers, const Attributes& a) {
                const Index c = a.integer("c"), g = a.integer("g");
                return Sequence("residual_block", layers, a, c)
                    .conv("conv1", c, 3, 1)
                    .group_norm("norm1", g)
                    .relu("relu1")
                    .conv("conv2", c, 3, 1)
                    .group_norm("norm2", g)
                    .add("src", "sum")
                    .relu("relu2")
                    .graph();
              },
          .smoke_cases = {"mb=2,ih=3,iw=4,c=4,g=2"},
          .full_cases = {"mb=1,ih=5,iw=3,c=6,g=3", "mb=1,ih=2,iw=9,c=3,g=1"},
          .invalid_cases = {{"mb=1,i=8,c=6,g=4", "residual_block"}}};
}

Network mobile_block() {
  return {.name = "mobile_block",
          .summary =
              "depthwise 3x3 and pointwise conv, norm, relu (Howard et al. 2017, arXiv:1704.04861, figure 3) with "
              "group norm (Wu and He 2018, ECCV)",
          .attributes = image_attributes(
              {integer_attribute("ic", "channels of src", 64), integer_attribute("oc", "channels of dst", 128),
               integer_attribute("st", "stride", 1), integer_attribute("g", "groups of the norm", 32)}),
          .graph =
              [](const Layers& layers, const Attributes& a) {
                return Sequence("mobile_block", layers, a, a.integer("ic"))
                    .depthwise_separable_conv("conv", a.integer("oc"), 3, 1, a.integer("st"))
                    .group_norm("norm", a.integer("g"))
                    .relu("relu")
                    .graph();
              },
          .smoke_cases = {"mb=2,ih=5,iw=4,ic=3,oc=4,g=2,st=2"},
          .full_cases = {"mb=1,ih=4,iw=7,ic=5,oc=6,g=1", "mb=3,ih=3,iw=3,ic=2,oc=9,g=3"},
          .invalid_cases = {{"mb=1,i=8,oc=6,g=4", "mobile_block"}}};
}

Network coord_regressor() {
  return {.name = "coord_regressor",
          .summary =
              "coord_conv, relu, 1x1 conv, relu, global average pooling, linear: regresses where in the image "
              "something is, which it cannot with conv for coord_conv, coords=0 (Liu et al. 2018, NeurIPS, "
              "arXiv:1807.03247)",
          .attributes = image_attributes({integer_attribute("ic", "channels of the image", 1),
                                          integer_attribute("c1", "channels of the first convolution", 8),
                                          integer_attribute("c2", "channels of the second", 8),
                                          integer_attribute("oc", "coordinates", 2),
                                          flag_attribute("coords", "the first convolution sees coordinates", true)}),
          .graph =
              [](const Layers& layers, const Attributes& a) {
                Sequence network("coord_regressor", layers, a, a.integer("ic"));
                if (a.flag("coords"))
                  network.coord_conv("conv1", a.integer("c1"), 3, 1);
                else
                  network.conv("conv1", a.integer("c1"), 3, 1);
                return network.relu("relu1")
                    .conv("conv2", a.integer("c2"), 1, 0)
                    .relu("relu2")
                    .global_avg_pool("means")
                    .flatten("features")
                    .linear("linear", a.integer("oc"))
                    .graph();
              },
          .smoke_cases = {"mb=2,ih=5,iw=6,c1=3,c2=4"},
          .full_cases = {"mb=1,ih=1,iw=9,ic=2,c1=5,c2=3,oc=1", "mb=1,ih=7,iw=3", "mb=2,ih=4,iw=6,c1=2,c2=3,coords=0"},
          .invalid_cases = {{"mb=1,i=8,oc=0", "oc"}}};
}

}  // namespace

std::vector<Operation> network_operations() {
  const auto layers = std::make_shared<const Layers>();
  std::vector<Operation> operations;
  for (const Network& network :
       {lenet5(), alexnet_head(), gap_net(), residual_block(), mobile_block(), coord_regressor()})
    operations.push_back(network_operation(network, layers));
  return operations;
}

}  // namespace gradproof
