// How many CPUs this process may use.
#pragma once
#include <string>

namespace myelin {

// CPUs that the process may run on: its affinity, and the quota of its control groups (v1 and v2)
// rounded down. At least 1.
int usable_cpus();

// The quota in CPUs that control groups set, as files under `root` say ("" is the system itself):
// proc/self/cgroup and sys/fs/cgroup. 0: none.
double cgroup_quota(const std::string& root);

}  // namespace myelin
