#include "cpu_count.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace myelin {
namespace {

// "max 100000" or "150000 100000" (version 2).
double quota_v2(const std::string& directory) {
  std::ifstream file(directory + "/cpu.max");
  double quota = 0;
  double period = 0;
  return file >> quota >> period && quota > 0 && period > 0 ? quota / period : 0;
}

// -1 is no quota (version 1).
double quota_v1(const std::string& directory) {
  std::ifstream quota_file(directory + "/cpu.cfs_quota_us");
  std::ifstream period_file(directory + "/cpu.cfs_period_us");
  double quota = 0;
  double period = 0;
  bool known = quota_file >> quota && period_file >> period;
  return known && quota > 0 && period > 0 ? quota / period : 0;
}

double smaller(double a, double b) { return a == 0 || (b != 0 && b < a) ? b : a; }

// A group is bound by its parents too. In a container the path may be that of the host, so that
// only the mount's own directory exists.
double smallest_quota(const std::string& mount, std::string path,
                      double (*quota)(const std::string&)) {
  double result = quota(mount);
  while (path.size() > 1) {
    result = smaller(result, quota(mount + path));
    path.resize(path.find_last_of('/'));
  }
  return result;
}

bool lists_cpu(const std::string& controllers) {
  std::istringstream list(controllers);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

int affinity_count() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

}  // namespace

double cgroup_quota(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  std::string mount = root + "/sys/fs/cgroup";
  double result = 0;
  // Lines are hierarchy:controllers:path; version 2 has no controllers.
  for (std::string line; std::getline(groups, line);) {
    size_t first = line.find(':');
    size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (path.empty() || path[0] != '/') continue;
    double quota = 0;
    if (controllers.empty()) {
      quota = smallest_quota(mount, path, quota_v2);
    } else if (lists_cpu(controllers)) {
      std::string folder = mount;
      folder += '/';
      folder += controllers;
      quota = smallest_quota(folder, path, quota_v1);
      quota = smaller(quota, smallest_quota(mount + "/cpu", path, quota_v1));
    }
    result = smaller(result, quota);
  }
  return result;
}

int usable_cpus() {
  int count = affinity_count();
  double quota = cgroup_quota("");
  if (quota > 0) count = std::min(count, static_cast<int>(std::min(quota, 1e6)));
  return std::max(count, 1);
}

}  // namespace myelin
