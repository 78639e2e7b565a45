#include "cpu_count.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

namespace myelin::test {
namespace {

// A root directory with made-up control group files.
class Root {
 public:
  Root() : path_(std::filesystem::temp_directory_path() / "myelin-cpu-count-test") {
    std::filesystem::remove_all(path_);
  }
  ~Root() { std::filesystem::remove_all(path_); }

  void write(const std::string& file, const std::string& text) {
    std::filesystem::create_directories((path_ / file).parent_path());
    std::ofstream(path_ / file) << text;
  }

  double quota() const { return cgroup_quota(path_.string()); }

 private:
  std::filesystem::path path_;
};

TEST_CASE("control groups, version 2: the smallest quota of the group and its parents") {
  Root root;
  CHECK(root.quota() == 0);
  root.write("proc/self/cgroup", "0::/a/b\n");
  CHECK(root.quota() == 0);
  root.write("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  CHECK(root.quota() == 0);
  root.write("sys/fs/cgroup/a/cpu.max", "250000 100000\n");
  CHECK(root.quota() == 2.5);
  root.write("sys/fs/cgroup/a/b/cpu.max", "400000 100000\n");
  CHECK(root.quota() == 2.5);
  root.write("sys/fs/cgroup/cpu.max", "50000 100000\n");
  CHECK(root.quota() == 0.5);
}

TEST_CASE("control groups, version 1") {
  Root root;
  root.write("proc/self/cgroup", "5:memory:/a\n4:cpu,cpuacct:/a\nnonsense\n");
  root.write("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
  root.write("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  CHECK(root.quota() == 0);
  root.write("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "300000\n");
  CHECK(root.quota() == 3);
}

TEST_CASE("a container sees its own group at the mount, whatever its path says") {
  Root root;
  root.write("proc/self/cgroup", "0::/docker/0123\n");
  root.write("sys/fs/cgroup/cpu.max", "200000 100000\n");
  CHECK(root.quota() == 2);
}

TEST_CASE("there is at least one CPU") { CHECK(usable_cpus() >= 1); }

}  // namespace
}  // namespace myelin::test
