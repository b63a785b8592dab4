// Learner: a network in training, by the float32 kernels under test alone.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "checks/execution.h"
#include "checks/property/images.h"
#include "checks/property/lab.h"

namespace gradproof {

class Learner {
 public:
  // Case texts of a network and of a loss of its dst. Weights begin as He et al. (2015, arXiv:1502.01852) have them,
  // biases with 0.
  Learner(Lab& lab, const std::string& network, const std::string& loss);

  // One step of Adam (Kingma and Ba 2015, arXiv:1412.6980) on a batch; the loss before it.
  double learn(const Examples& batch, double rate);
  // What the network says of a batch, row by row.
  const float* answers(const Array<float>& images);
  // What it has learned, by slot.
  Arrays<float> parameters() const;

 private:
  struct Parameter {
    std::string name;
    Shape shape;
    std::vector<float> values, mean, square;  // mean and square of recent gradients
  };

  void begin(const Case& network, std::uint64_t seed);
  void load(const Array<float>& images);
  void step(Parameter& parameter, double rate);

  Execution forward_, backward_, loss_, loss_gradient_;
  std::vector<Parameter> parameters_;
  int steps_ = 0;
};

}  // namespace gradproof
