// tanh of 0 <= x < 10 by intervals, for targets that look up a float of 32 in one instruction.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace gradproof {

// Centre c, then c0...c5: tanh(c + t) is the sum of cj t^j within 0.24 ulps, by least squares of the relative error at
// Chebyshev nodes, rounded to float. Each centre lies where tanh is a float within 0.002 ulps, which is c0 (Gal 1986).
using TanhInterval = std::array<float, 7>;

// [0, 1/8), then four intervals of one width for each power of two, up to [8, 10).
inline constexpr TanhInterval kTanhIntervals[] = {
    {0, 0, 1, 0, -0.333327621F, 0, 0.132161126F},
    {0.140626654F, 0.139706925F, 0.980481982F, -0.136979848F, -0.307686478F, 0.0877415687F, 0.0995541066F},
    {0.17187272F, 0.170200095F, 0.971031904F, -0.165269852F, -0.29554975F, 0.105767049F, 0.106638618F},
    {0.20312424F, 0.200375989F, 0.959849477F, -0.192330867F, -0.281412214F, 0.120767288F, 0.0937940255F},
    {0.23437345F, 0.230174243F, 0.947019815F, -0.217980117F, -0.265504509F, 0.135562688F, 0.0935820118F},
    {0.281243235F, 0.274055332F, 0.924893677F, -0.253472F, -0.238832623F, 0.149833798F, 0.0591403134F},
    {0.34375155F, 0.330822498F, 0.890556455F, -0.294616073F, -0.199386641F, 0.164062321F, 0.0320520848F},
    {0.406244308F, 0.385279119F, 0.851559997F, -0.328088343F, -0.157448292F, 0.170006007F, 0.00634341082F},
    {0.468753487F, 0.437191606F, 0.808863521F, -0.353628397F, -0.115018226F, 0.168146491F, -0.0168535765F},
    {0.562490046F, 0.509822607F, 0.740080893F, -0.37730974F, -0.0543336496F, 0.153269321F, -0.0433203392F},
    {0.687487423F, 0.596365452F, 0.644348264F, -0.384266913F, 0.0143803824F, 0.119443119F, -0.0615474507F},
    {0.812510133F, 0.670972645F, 0.549795687F, -0.368898004F, 0.0642548874F, 0.0799076855F, -0.0626591444F},
    {0.937497616F, 0.73407042F, 0.461140633F, -0.338509917F, 0.0947763324F, 0.0433787517F, -0.0530617386F},
    {1.12498033F, 0.809294283F, 0.345042765F, -0.279243082F, 0.110976227F, 0.0036737849F, -0.0321259424F},
    {1.37499774F, 0.879826188F, 0.22590588F, -0.198759109F, 0.0995720625F, -0.0211107489F, -0.00954431947F},
    {1.62498569F, 0.925344169F, 0.143738165F, -0.13300772F, 0.07516554F, -0.0251278449F, 0.00138795259F},
    {1.87500703F, 0.954045892F, 0.0897964388F, -0.0856699944F, 0.05180116F, -0.0208496489F, 0.00460032979F},
    {2.24994326F, 0.978023648F, 0.0434697419F, -0.0425132029F, 0.0270904806F, -0.0123869628F, 0.00397821516F},
    {2.75006676F, 0.991860807F, 0.016212143F, -0.0160792544F, 0.0105448524F, -0.00514706504F, 0.00191525556F},
    {3.25001311F, 0.996997714F, 0.00599555997F, -0.00597713795F, 0.003960873F, -0.00197798223F, 0.000770560058F},
    {3.75005865F, 0.998894572F, 0.00220963405F, -0.00220702309F, 0.00146811362F, -0.000739250274F, 0.000292660901F},
    {4.50005245F, 0.999753237F, 0.000493476575F, -0.000492733612F, 0.000328385737F, -0.000171971202F, 6.83077524e-05F},
    {5.50036287F, 0.999966621F, 6.67576824e-05F, -6.66707856e-05F, 4.4450273e-05F, -2.33048067e-05F, 9.28096506e-06F},
    {6.49897194F, 0.99999547F, 9.06005243e-06F, -9.04854733e-06F, 6.03415356e-06F, -3.16358341e-06F, 1.25611609e-06F},
    {7.51304722F, 0.999999404F, 1.19217827e-06F, -1.19060985e-06F, 7.92608944e-07F, -4.1620541e-07F, 1.70770377e-07F},
    {8.66434002F, 0.99999994F, 1.19264357e-07F, -1.18861749e-07F, 7.86478935e-08F, -4.26125091e-08F, 1.85494109e-08F},
};

// Which of 32 floats belong to the interval of x: the last three bits of its exponent and the first two of its
// fraction.
constexpr std::uint32_t tanh_place(float x) { return (std::bit_cast<std::uint32_t>(x) >> 21) % 32; }

// The intervals' floats by column, each at the place of its interval, the first at that of the largest x below 1/8.
struct TanhTables {
  static constexpr float kBelowEighth = 0x1.fffffep-4F;
  alignas(64) float columns[7][32] = {};

  constexpr TanhTables() {
    std::uint32_t place = tanh_place(kBelowEighth);
    for (const TanhInterval& interval : kTanhIntervals) {
      for (std::size_t j = 0; j < interval.size(); ++j) columns[j][place] = interval[j];
      place = (place + 1) % 32;
    }
  }
};
inline constexpr TanhTables kTanhTables;

}  // namespace gradproof
