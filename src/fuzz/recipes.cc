// SPDX-License-Identifier: Apache-2.0
#include "src/fuzz/recipes.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>

#include "src/fuzz/recipe_steps.h"

namespace fv::fuzz {

namespace {

std::vector<Recipe> TaskRecipes() {
  return {
      {"a core",
       {{"prlimit64", {V(0), V(RLIMIT_CORE), V(kNoLimits)}},
        {"store", {At(1), Any()}},
        Fork(),
        InChild({"store", {At(2), Any()}}),
        InChild({"kill", {Self(), V(SIGQUIT)}}),
        Wait()}},
      {"a core of threads",
       {{"prlimit64", {V(0), V(RLIMIT_CORE), V(kNoLimits)}},
        {"clone", {Any(), V(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD), V(0)}},
        InChild({"fault", {}}),
        {"pause", {}}}},
      {"the exec of a thread",
       {{"clone", {Any(), V(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD), V(0)}},
        InChild({"execve", {}}),
        InChild({"getpid", {}}),
        {"pause", {}}}},
      {"descriptors across exec",
       {{"pipe2", {Any(), V(O_CLOEXEC)}},
        {"dup", {Output(0)}},
        {"execve", {}},
        {"write", {Output(0, 1), At(0), V(8)}},
        {"close", {Result(1)}}}},
      {"a robust futex",
       {{"clone", {Any(), V(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD), V(0)}},
        InChild({"set_robust_list", {V(8 * FV_FUZZ_PAGE), V(24)}}),
        InChild({"exit", {}}),
        {"futex", {At(8)}},
        {"load", {At(8)}}}},
      {"a restartable sequence",
       {{"rseq", {At(4), V(32), V(0)}},
        {"sched_yield", {}},
        Fork(),
        InChild({"kill", {Self(), V(SIGUSR1)}}),
        {"mprotect", {At(4), Pages(1), V(0)}},
        {"sched_yield", {}}}},
      {"a restartable sequence ends",
       {{"rseq", {At(4), V(32), V(0)}}, {"nanosleep", {}}, {"rseq", {At(4), V(32), V(1)}}}},
      {"io priorities",
       {{"ioprio_set", {V(1), V(0), V(2 << 13 | 4)}},
        {"clone", {Any(), V(CLONE_IO), V(SIGCHLD)}},
        InChild({"ioprio_set", {V(1), V(0)}}),
        {"ioprio_get", {V(1), Child()}},
        {"ioprio_get", {}}}},
      {"another user",
       {Fork(),
        InChild({"setgroups", {V(2)}}),
        InChild({"setresgid", {}}),
        InChild({"setresuid", {V(1000), V(1000), V(1000)}}),
        InChild({"kill", {}}),
        InChild({"open", {}}),
        {"prlimit64", {Child()}}}},
      {"privileges are kept and given up",
       {{"prctl_value", {V(8), V(1)}},
        {"prctl_ambient", {}},
        {"setresuid", {V(1000), V(1000), V(0)}},
        {"setuid", {V(1000)}},
        {"capset", {V(0x20080522)}},
        {"execve", {V(0)}}}},
      {"a subreaper's orphans",
       {{"prctl", {V(36), V(1)}},
        Fork(),
        InChild({"prctl", {V(1), V(SIGINT)}}),
        InChild({"exit", {}}),
        Wait(),
        Wait()}},
      {"a slow process is scheduled",
       {Fork(),
        {"sched_setscheduler", {Child(), V(SCHED_BATCH), V(0)}},
        {"setpriority", {V(0), Child(), V(19)}},
        {"sched_setattr", {Child()}},
        {"sched_getattr", {Child()}},
        InChild({"sched_yield", {}})}},
  };
}

std::vector<Recipe> ProcRecipes() {
  std::vector<Recipe> recipes = {
      {"read anything",
       {Fork(),
        InChild({"pause", {}}),
        {"open", {Any(), V(0), V(0644)}},
        {"read", {Result(2), At(4), V(4096)}},
        {"getdents64", {Result(2), At(5), V(4096)}}}},
      {"write anything",
       {{"open", {Any(), V(O_RDWR), V(0644)}},
        {"write_text", {Result(0), Any(), V(1)}},
        {"pread64", {Result(0), At(4), V(4096), V(0)}}}},
      {"memory as a file",
       {{"open", {Text("%/mem"), V(O_RDWR), V(0644)}},
        {"pwrite64", {Result(0), At(1), V(100), V(FV_FUZZ_ARENA)}},
        {"pread64", {Result(0), At(4), V(4096), V(FV_FUZZ_ARENA)}}}},
      {"frames of pages",
       {{"open", {Text("%/pagemap"), V(0), V(0644)}},
        {"pread64", {Result(0), At(4), V(100), V(FV_FUZZ_ARENA / FV_FUZZ_PAGE * 8)}},
        {"open", {Text("/proc/kpagecount"), V(0), V(0644)}},
        {"read", {Result(2), At(5), V(4096)}},
        {"open", {Text("/proc/kpageflags"), V(0), V(0644)}},
        {"read", {Result(4), At(5), V(4096)}}}},
      {"references are cleared",
       {{"open", {Text("%/clear_refs"), V(O_WRONLY), V(0644)}},
        {"write_text", {Result(0), Text("1"), V(1)}},
        {"load", {At(1)}},
        {"open", {Text("%/smaps"), V(0), V(0644)}},
        {"read", {Result(3), At(4), V(8192)}}}},
      {"a namespace's file",
       {{"unshare", {V(CLONE_NEWUTS)}},
        {"open", {Text("%/ns/uts"), V(0), V(0644)}},
        {"sethostname", {}},
        {"ioctl", {Result(1), V(0xb703)}},
        {"setns", {Result(1), V(CLONE_NEWUTS)}},
        Fork(),
        {"pidfd_open", {Child(), V(0)}},
        {"setns", {Result(6), V(CLONE_NEWUTS)}}}},
      {"a terminal",
       {Fork(), InChild({"setsid", {}}), InChild({"open", {Text("/dev/ptmx"), V(O_RDWR), V(0644)}}),
        InChild({"ioctl", {Result(2), V(0x40045431)}}),
        InChild({"ioctl_flags", {Result(2), V(0x5441), V(O_RDWR)}}),
        InChild({"ioctl", {Result(4), V(0x540F)}}), InChild({"ioctl", {}}),
        InChild({"open", {Text("/dev/tty"), V(O_RDWR), V(0644)}}),
        InChild({"write_text", {Result(2)}}), InChild({"close", {Result(2)}}),
        InChild({"read", {Result(4), At(4), V(8)}}), Wait()}},
  };
  for (const std::string_view file :
       {"%/oom_score_adj", "%/comm", "%/coredump_filter", "%/task", "%/status", "%/fdinfo/0",
        "%/oom_score", "/proc", "/proc/sys/kernel/threads-max", "/proc/sys/vm/overcommit_memory"}) {
    recipes.push_back({file,
                       {{"open", {Text(file), V(O_RDWR), V(0644)}},
                        {"open", {Text(file), V(0), V(0644)}},
                        {"write_text", {Result(0)}},
                        {"read", {Result(1), At(4), V(4096)}},
                        {"getdents64", {Result(1), At(5), V(4096)}}}});
  }
  return recipes;
}

std::vector<Recipe> MakeRecipes() {
  std::vector<Recipe> recipes;
  for (const auto& family : {FileRecipes(), SharedTableRecipes(), TableRecipes(), PageRecipes(),
                             SignalRecipes(), TimerRecipes(), TaskRecipes(), ProcRecipes()}) {
    recipes.insert(recipes.end(), family.begin(), family.end());
  }
  return recipes;
}

}  // namespace

std::span<const Recipe> Recipes() {
  static const std::vector<Recipe> kRecipes = MakeRecipes();
  return kRecipes;
}

bool HasChild(const Recipe& recipe) {
  return std::any_of(recipe.steps.begin(), recipe.steps.end(), [](const RecipeStep& step) {
    return FindCall(step.call)->Spawns() && step.task == 0;
  });
}

bool IsForGuests(const Recipe& recipe) {
  return std::any_of(recipe.steps.begin(), recipe.steps.end(), [](const RecipeStep& step) {
    return FindCall(step.call)->compared == Compared::kGuestOnly;
  });
}

}  // namespace fv::fuzz
