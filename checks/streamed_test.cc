// Tensors too large for the caches are written past them, and read in longer pieces, by other code than small ones. The
// images of a pooling, a convolution or a normalization by sample do not depend on each other: many of them, streamed,
// must have the bits that each has alone, also where some hold NaN. So must the channels of a batch normalization.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "checks/execution.h"
#include "checks/inputs.h"
#include "ops/register.h"
#include "ops/simd/stores.h"

namespace gradproof {
namespace {

constexpr Index kMostImages = 1024;

// One element of every third image, in another place each.
void plant_nans(Array<float>& tensor, Index images) {
  const Index size = element_count(tensor.shape) / images;
  for (Index image = 0; image < images; image += 3) tensor[image * size + image * 7919 % size] = std::nanf("");
}

bool has_images(const std::string& name) {
  return name != "weights" && name != "bias" && name != "gamma" && name != "beta";
}

// Elements index of `axis`, which stays with length 1.
Array<float> slice(const Array<float>& all, int axis, Index index) {
  Shape shape = all.shape;
  Index inner = 1;
  for (int a = axis + 1; a < shape.rank(); ++a) inner *= shape[a];
  const Index length = shape[axis];
  shape[axis] = 1;
  Array<float> result(shape);
  for (Index i = 0; i < element_count(shape); ++i) result[i] = all[(i / inner * length + index) * inner + i % inner];
  return result;
}

Arrays<float> image_of(const Arrays<float>& inputs, Index image) {
  Arrays<float> one;
  for (const auto& [name, all] : inputs) one.emplace(name, has_images(name) ? slice(all, 0, image) : all);
  return one;
}

class Streamed : public testing::TestWithParam<const char*> {
 protected:
  Case with_images(Index images) const {
    return registry_.parse_case(std::string(GetParam()) + ",mb=" + std::to_string(images));
  }

  // As many as it takes for a kernel to stream; more than kMostImages where the cache is too large for a test.
  Index images_to_stream() const {
    Index images = 16;
    const auto bytes = [&] { return static_cast<size_t>(4 * images * element_count(arguments(1)[0].shape)); };
    while (images <= kMostImages && stores_for(bytes()) != Stores::kStreaming) images *= 2;
    return images;
  }

  void images_have_the_bits_that_each_has_alone(const Pass& pass, Index images) const {
    const Case together = with_images(images), alone = with_images(1);
    const Implementation& simd = registry_.find(together.spec->name).implementation("simd");
    Arrays<float> inputs = seeded_inputs(together, pass, 1, Regime::kNormal);
    for (auto& [name, tensor] : inputs)
      if (has_images(name)) plant_nans(tensor, images);
    Execution all(together, pass, simd, inputs);
    all.run();
    for (Index image = 0; image < images; ++image) {
      Execution one(alone, pass, simd, image_of(inputs, image));
      one.run();
      for (size_t i = 0; i < one.refs().size(); ++i) {
        if (!has_images(one.arguments()[i].name)) continue;
        const auto bytes = static_cast<size_t>(element_count(one.refs()[i].shape) * element_size(one.refs()[i].type));
        const unsigned char* streamed = all.refs()[i].bytes() + static_cast<size_t>(image) * bytes;
        ASSERT_EQ(std::memcmp(streamed, one.refs()[i].data, bytes), 0)
            << one.arguments()[i].name << " of image " << image << ", " << together.to_text() << " " << pass.to_text();
      }
    }
  }

 private:
  std::vector<Argument> arguments(Index images) const {
    const Case c = with_images(images);
    return arguments_of(*c.spec, c.attributes, Pass::forward());
  }

  Registry registry_ = register_operations();
};

TEST_P(Streamed, ImagesHaveTheBitsThatEachHasAlone) {
  const Index images = images_to_stream();
  if (images > kMostImages) GTEST_SKIP() << "the cache is too large";
  for (const Pass& pass : {Pass::forward(), Pass::vjp("src")}) images_have_the_bits_that_each_has_alone(pass, images);
}

// Rows of windows and of inputs that are whole cache lines, halves of them, and neither; windows in one sweep and in
// two; narrow ones.
INSTANTIATE_TEST_SUITE_P(Poolings, Streamed,
                         testing::Values("max_pool:c=1,i=224,k=2,s=2", "max_pool:c=1,i=64,k=3,s=2,p=1",
                                         "max_pool:c=1,i=112,k=3,s=2,p=1", "max_pool:c=1,i=97,k=3,s=2",
                                         "max_pool:c=1,i=96,k=3,s=1,p=1", "max_pool:c=1,i=95,k=5,s=2,p=2",
                                         "max_pool:c=4,i=14,k=2,s=2", "min_pool:c=1,i=96,k=2,s=2",
                                         "avg_pool:c=1,i=128,k=2,s=2", "avg_pool:c=1,i=96,k=3,s=1,p=1",
                                         "avg_pool:c=1,i=99,k=3,s=2", "lp_pool:c=1,i=64,k=2,s=2"));

// Pointwise, of rows enough that tiles of columns are copied: several at a time, of which the last are not all there.
INSTANTIATE_TEST_SUITE_P(Convolutions, Streamed,
                         testing::Values("conv:ic=67,oc=70,i=15,k=1", "conv:ic=65,oc=80,i=16,k=1,bias=0"));

// Of planes that are whole cache lines, and not.
INSTANTIATE_TEST_SUITE_P(Normalizations, Streamed,
                         testing::Values("instance_norm:c=4,i=32", "instance_norm:c=3,i=37", "group_norm:c=96,g=16,i=7",
                                         "group_norm:c=24,g=4,i=20,affine=0", "layer_norm:c=64,i=7",
                                         "layer_norm:c=20,i=20", "rms_norm:c=96,i=5"));

// Samples of so many channels of size x size that are beyond the whole last level, a socket's too: only there are the
// lines of short planes gathered. None where a test has no room for them.
Index samples_to_gather(Index channels, Index size) {
  constexpr Index kMostElements = Index{1} << 24;
  const Index elements = channels * size * size;
  Index samples = 64;
  while (samples * elements <= kMostElements && !exceeds_last_level(static_cast<size_t>(8 * samples * elements)))
    samples += samples / 8;
  return samples * elements <= kMostElements ? samples : 0;
}

// What a tensor has of one channel, of which it may hold a single value.
Arrays<float> channel_of(const Arrays<float>& inputs, Index channel) {
  Arrays<float> one;
  for (const auto& [name, all] : inputs) one.emplace(name, slice(all, all.shape.rank() > 1 ? 1 : 0, channel));
  return one;
}

bool have_equal_bits(const TensorRef& one, const TensorRef& all, Index channel) {
  const Index samples = one.shape.rank() > 1 ? one.shape[0] : 1;
  const Index inner = element_count(one.shape) / samples, pitch = element_count(all.shape) / samples;
  const auto same = [&](Index n) {
    return std::memcmp(one.floats() + n * inner, all.floats() + n * pitch + channel * inner,
                       static_cast<size_t>(inner) * sizeof(float)) == 0;
  };
  Index n = 0;
  while (n < samples && same(n)) ++n;
  return n == samples;
}

struct Planes {
  Index channels, size;
};

class StreamedChannels : public testing::TestWithParam<Planes> {};

TEST_P(StreamedChannels, HaveTheBitsThatEachHasAlone) {
  const auto [channels, size] = GetParam();
  const Index samples = samples_to_gather(channels, size);
  if (samples == 0) GTEST_SKIP() << "the cache is too large";
  const Registry registry = register_operations();
  const Case together = registry.parse_case(fmt::format("batch_norm:mb={},c={},i={}", samples, channels, size));
  const Case alone = registry.parse_case(fmt::format("batch_norm:mb={},c=1,i={}", samples, size));
  const Implementation& simd = registry.find("batch_norm").implementation("simd");
  for (const Pass& pass : {Pass::forward(), Pass::vjp()}) {
    const Arrays<float> inputs = seeded_inputs(together, pass, 1, Regime::kNormal);
    Execution all(together, pass, simd, inputs, {.threads = 2});
    all.run();
    for (const Index channel : {Index{0}, channels / 2, channels - 1}) {
      Execution one(alone, pass, simd, channel_of(inputs, channel));
      one.run();
      for (size_t i = 0; i < one.refs().size(); ++i)
        ASSERT_TRUE(have_equal_bits(one.refs()[i], all.refs()[i], channel))
            << one.arguments()[i].name << " of channel " << channel << ", " << together.to_text() << " "
            << pass.to_text();
    }
  }
}

// Channels that make whole cache lines together, and never.
INSTANTIATE_TEST_SUITE_P(BatchNorm, StreamedChannels, testing::Values(Planes{16, 14}, Planes{32, 7}, Planes{6, 29}),
                         [](const auto& tested) {
                           return fmt::format("{}x{}", tested.param.channels, tested.param.size);
                         });

// All gradients together read tensors in another order than each of them alone.
class StreamedGradients : public testing::TestWithParam<Planes> {
 protected:
  // Of every output of each pass.
  std::map<std::string, std::vector<unsigned char>> gradients(const std::string& text, std::span<const Pass> passes,
                                                              int threads) const {
    const Case c = registry_.parse_case(text);
    std::map<std::string, std::vector<unsigned char>> result;
    for (const Pass& pass : passes) {
      Execution execution(c, pass, registry_.find(c.spec->name).implementation("simd"),
                          seeded_inputs(c, pass, 1, Regime::kNormal), {.threads = threads});
      execution.run();
      for (size_t i = 0; i < execution.refs().size(); ++i) {
        const TensorRef& tensor = execution.refs()[i];
        if (!execution.arguments()[i].written) continue;
        const unsigned char* first = tensor.bytes();
        result[execution.arguments()[i].name] = {first, first + 4 * element_count(tensor.shape)};
      }
    }
    return result;
  }

 private:
  Registry registry_ = register_operations();
};

TEST_P(StreamedGradients, TogetherHaveTheBitsThatEachHasAlone) {
  const auto [channels, size] = GetParam();
  const Index samples = samples_to_gather(channels, size);
  if (samples == 0) GTEST_SKIP() << "the cache is too large";
  const std::string text = fmt::format("layer_norm:mb={},c={},i={}", samples, channels, size);
  const std::vector<Pass> single{Pass::vjp("src"), Pass::vjp("gamma"), Pass::vjp("beta")}, whole{Pass::vjp()};
  const auto alone = gradients(text, single, 1);
  ASSERT_EQ(alone.size(), 3U);
  for (const int threads : {1, 2}) EXPECT_TRUE(gradients(text, whole, threads) == alone) << text << " " << threads;
}

// Of samples in two blocks, and in three, the last of which is no multiple of anything.
INSTANTIATE_TEST_SUITE_P(LayerNorm, StreamedGradients, testing::Values(Planes{20, 20}, Planes{29, 19}),
                         [](const auto& tested) {
                           return fmt::format("{}x{}", tested.param.channels, tested.param.size);
                         });

}  // namespace
}  // namespace gradproof
