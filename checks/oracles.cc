#include "checks/oracle.h"

namespace gradproof {

std::vector<Oracle> all_oracles() {
  return {fd_oracle(),     fd50_oracle(),    adjoint_oracle(),     forward_oracle(), vjp_oracle(),     fd_direct_oracle(),
          exact_oracle(),  special_oracle(), determinism_oracle(), memory_oracle(),  invalid_oracle(), large_oracle()};
}

}  // namespace gradproof
