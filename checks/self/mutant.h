// Planted bugs: wrong kernels and wrong references that the harness must catch. None is ever registered for use.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/core/registry.h"
#include "reference/reference.h"

namespace gradproof {

struct Mutant {
  std::string name;
  std::string operation;
  std::string what;                              // one line: what is wrong, and in brackets where it happened for real
  std::vector<std::string> oracles;              // each of these must catch it
  std::optional<Implementation> implementation;  // a wrong kernel, or
  std::optional<Reference> reference;            // a wrong truth, or both, that agree
  std::string property{};                        // of the oracle `property`: the one that does not hold any more
};

// All of them.
std::vector<Mutant> all_mutants();

// Those of the operations that any of the words names (see ops/core/pattern.h); of all operations, if there are no
// words.
std::vector<Mutant> mutants_of(const Registry& registry, const std::vector<std::string>& words);

// The naive kernels that the wrong ones deviate from, without a bug: the control, which must pass everything.
std::vector<Mutant> healthy_kernels();

std::vector<Mutant> conv_mutants();
std::vector<Mutant> conv_transpose_mutants();
std::vector<Mutant> coord_conv_mutants();
std::vector<Mutant> depthwise_separable_conv_mutants();
std::vector<Mutant> separable_conv_mutants();
std::vector<Mutant> deform_conv_mutants();
std::vector<Mutant> deform_layer_mutants();
std::vector<Mutant> local_conv_mutants();
std::vector<Mutant> max_pool_mutants();
std::vector<Mutant> mixed_pool_mutants();
std::vector<Mutant> adaptive_max_pool_mutants();
std::vector<Mutant> max_unpool_mutants();
std::vector<Mutant> linear_pool_mutants();
std::vector<Mutant> global_pool_mutants();
std::vector<Mutant> global_max_pool_mutants();
std::vector<Mutant> subsample_mutants();
std::vector<Mutant> lp_pool_mutants();
std::vector<Mutant> std_pool_mutants();
std::vector<Mutant> weighted_pool_mutants();
std::vector<Mutant> adaptive_avg_pool_mutants();
std::vector<Mutant> batch_norm_mutants();
std::vector<Mutant> sample_norm_mutants();
std::vector<Mutant> lrn_mutants();
std::vector<Mutant> relu_mutants();
std::vector<Mutant> activation_mutants();
std::vector<Mutant> step_mutants();
std::vector<Mutant> linear_mutants();
std::vector<Mutant> shape_mutants();
std::vector<Mutant> softmax_mutants();
std::vector<Mutant> class_loss_mutants();
std::vector<Mutant> pointwise_mutants();
std::vector<Mutant> network_mutants();
std::vector<Mutant> property_mutants();
std::vector<Mutant> reference_mutants();
std::vector<Mutant> agreed_mutants();

std::vector<Mutant> healthy_activations();
std::vector<Mutant> healthy_steps();

Mutant healthy_conv();
Mutant healthy_conv_transpose();
Mutant healthy_coord_conv();
Mutant healthy_depthwise_separable_conv();
Mutant healthy_separable_conv();
Mutant healthy_deform_conv();
Mutant healthy_deform_layer();
Mutant healthy_local_conv();
Mutant healthy_max_pool();
Mutant healthy_min_pool();
Mutant healthy_mixed_pool();
Mutant healthy_adaptive_max_pool();
Mutant healthy_max_unpool();
Mutant healthy_avg_pool();
Mutant healthy_sum_pool();
Mutant healthy_global_avg_pool();
Mutant healthy_global_max_pool();
Mutant healthy_global_sum_pool();
Mutant healthy_subsample();
Mutant healthy_lp_pool();
Mutant healthy_std_pool();
Mutant healthy_weighted_pool();
Mutant healthy_adaptive_avg_pool();
Mutant healthy_batch_norm();
Mutant healthy_group_norm();
Mutant healthy_instance_norm();
Mutant healthy_layer_norm();
Mutant healthy_rms_norm();
Mutant healthy_lrn();
Mutant healthy_relu();
Mutant healthy_linear();
std::vector<Mutant> healthy_shapes();
std::vector<Mutant> healthy_softmaxes();
std::vector<Mutant> healthy_class_losses();
std::vector<Mutant> healthy_pointwise();

}  // namespace gradproof
