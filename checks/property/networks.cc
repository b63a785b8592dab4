// What networks of different heads take, and what their parts mean.
#include "checks/property/lab.h"
#include "checks/property/property.h"

namespace gradproof {
namespace {

const Pass kInference = Pass::forward();
const std::string kNetwork = "gap_net:mb=2,ic=2,c1=3,c2=4,classes=5";
const std::vector<std::string> kSizes{",ih=5,iw=4", ",ih=1,iw=1", ",ih=3,iw=19", ",ih=16,iw=8"};

bool same_parameters(const Case& a, const Case& b) {
  for (const Argument& x : arguments_of(*a.spec, a.attributes, kInference))
    for (const Argument& y : arguments_of(*b.spec, b.attributes, kInference))
      if (!x.written && x.name == y.name && x.name != "src" && !(x.shape == y.shape)) return false;
  return true;
}

// `parameters` with an image of the size that the case asks for.
Arrays<float> with_image(Lab& lab, const Case& c, Arrays<float> parameters) {
  parameters["src"] = lab.seeded(c).at("src");
  return parameters;
}

void any_size_fits_gap_net(Lab& lab) {
  const Case first = lab.at(kNetwork + kSizes.front());
  const Arrays<float> parameters = lab.seeded(first);
  for (const std::string& size : kSizes) {
    const Case c = lab.at(kNetwork + size);
    lab.holds("gap_net has the same parameters", same_parameters(first, c));
    const Arrays<float> inputs = with_image(lab, c, parameters);
    lab.agree("scores", lab.known(c, kInference, inputs).at("dst"), lab.exact(c, kInference, inputs).at("dst"));
  }
  lab.holds("lenet5 has other parameters for images of 32 than of 28",
            !same_parameters(lab.at("lenet5:mb=1,i=28"), lab.at("lenet5:mb=1,i=32")));
}

void maps_average_to_scores(Lab& lab) {
  const Arrays<float> parameters = lab.seeded(lab.at(kNetwork + kSizes.front()));
  for (const std::string& size : kSizes) {
    const Case of_scores = lab.at(kNetwork + size), of_maps = lab.at(kNetwork + size + ",maps=1");
    Arrays<float> inputs = with_image(lab, of_scores, parameters);
    const Array<Known> scores = lab.known(of_scores, kInference, inputs).at("dst");
    Array<float>& weights = inputs["linear_weights"];
    weights.shape = {weights.shape[0], weights.shape[1], 1, 1};
    const Array<Known> maps = lab.known(of_maps, kInference, inputs).at("dst");
    const auto pixels = static_cast<double>(maps.shape[2] * maps.shape[3]);
    Array<Known> pixels_times_scores = scores;
    for (Known& score : pixels_times_scores.values) score = score * Known(pixels);
    lab.agree("sum over the map",
              summed(maps, scores.shape,
                     [](const Position& p) {
                       return Position{p[0], p[1]};
                     }),
              pixels_times_scores);
  }
}

}  // namespace

std::vector<Property> network_properties() {
  return {{.name = "gap-net-takes-any-size",
           .claim = "A network that ends in global average pooling runs on images of any size with the same weights; "
                    "one with a linear head does not.",
           .operations = {"gap_net", "lenet5"},
           .show = any_size_fits_gap_net},
          {.name = "class-activation-maps-average-to-scores",
           .claim = "The class activation maps of gap_net have its scores as their averages, at every size.",
           .operations = {"gap_net"},
           .show = maps_average_to_scores}};
}

}  // namespace gradproof
