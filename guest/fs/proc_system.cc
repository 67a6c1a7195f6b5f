// SPDX-License-Identifier: Apache-2.0
//
// /proc files about the whole system.
#include <cpuid.h>

#include "guest/fs/mount.h"
#include "guest/fs/path.h"
#include "guest/fs/proc_show.h"
#include "guest/fs/proc_source.h"
#include "guest/fs/task_hooks.h"
#include "guest/introspect/introspect.h"
#include "guest/lib/string.h"

namespace fv::guest {

namespace {

constexpr uint64_t kNs = 1'000'000'000;
constexpr uint64_t kCentisecondNs = 10'000'000;
constexpr unsigned kLoadShift = 11;  // fixed point of SystemInfo::load

void AddHundredths(TextBuffer& out, uint64_t ns) {
  out.Add("%lu.%02lu", ns / kNs, ns % kNs / kCentisecondNs);
}

uint64_t Ticks(uint64_t ns) { return ns / kCentisecondNs; }

// The 48 bytes of leaves 0x80000002-4.
void BrandString(char out[49]) {
  unsigned words[12] = {};
  for (unsigned i = 0; i < 3; ++i) {
    unsigned* leaf = words + size_t{4} * i;
    if (__get_cpuid(0x80000002 + i, &leaf[0], &leaf[1], &leaf[2], &leaf[3]) == 0) {
      break;
    }
  }
  memcpy(out, words, 48);
  out[48] = '\0';
}

void AddFlags(TextBuffer& out) {
  struct Flag {
    unsigned leaf, reg, bit;  // reg: 0 ebx, 1 ecx, 2 edx
    const char* name;
  };
  static constexpr Flag kFlags[] = {
      {1, 2, 0, "fpu"},      {1, 2, 4, "tsc"},     {1, 2, 8, "cx8"},    {1, 2, 15, "cmov"},
      {1, 2, 23, "mmx"},     {1, 2, 24, "fxsr"},   {1, 2, 25, "sse"},   {1, 2, 26, "sse2"},
      {1, 1, 0, "pni"},      {1, 1, 9, "ssse3"},   {1, 1, 12, "fma"},   {1, 1, 13, "cx16"},
      {1, 1, 19, "sse4_1"},  {1, 1, 20, "sse4_2"}, {1, 1, 22, "movbe"}, {1, 1, 23, "popcnt"},
      {1, 1, 25, "aes"},     {1, 1, 26, "xsave"},  {1, 1, 28, "avx"},   {1, 1, 30, "rdrand"},
      {7, 0, 0, "fsgsbase"}, {7, 0, 3, "bmi1"},    {7, 0, 5, "avx2"},   {7, 0, 8, "bmi2"},
      {7, 0, 9, "erms"},
  };
  unsigned regs[2][4] = {};
  (void)__get_cpuid(1, &regs[0][3], &regs[0][0], &regs[0][1], &regs[0][2]);
  (void)__get_cpuid_count(7, 0, &regs[1][3], &regs[1][0], &regs[1][1], &regs[1][2]);
  for (const Flag& flag : kFlags) {
    if ((regs[flag.leaf == 7 ? 1 : 0][flag.reg] >> flag.bit & 1) != 0) {
      out.Add(" %s", flag.name);
    }
  }
}

}  // namespace

Status ShowCpuinfo(TextBuffer& out, const ProcKey&) {
  unsigned a = 0;
  unsigned vendor[4] = {};
  unsigned signature = 0;
  unsigned unused = 0;
  (void)__get_cpuid(0, &a, &vendor[0], &vendor[2], &vendor[1]);
  (void)__get_cpuid(1, &signature, &unused, &unused, &unused);
  unsigned level2_cache = 0;  // KiB in the upper half
  (void)__get_cpuid(0x80000006, &unused, &unused, &level2_cache, &unused);
  char brand[49];
  BrandString(brand);
  const unsigned base_family = signature >> 8 & 0xf;
  const unsigned family = base_family == 0xf ? base_family + (signature >> 20 & 0xff) : base_family;
  const unsigned model = (signature >> 4 & 0xf) | (base_family >= 6 ? signature >> 12 & 0xf0 : 0);
  const uint64_t khz = Boot().tsc_khz;
  out.Add("processor\t: 0\nvendor_id\t: %s\ncpu family\t: %u\n",
          reinterpret_cast<const char*>(vendor), family);
  out.Add("model\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n", model, brand, signature & 0xf);
  out.Add("cpu MHz\t\t: %lu.%03lu\ncache size\t: %u KB\n", khz / 1000, khz % 1000,
          level2_cache >> 16);
  out.Add("physical id\t: 0\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n");
  out.Add("apicid\t\t: 0\ninitial apicid\t: 0\nfpu\t\t: yes\nfpu_exception\t: yes\n");
  out.Add("cpuid level\t: %u\nwp\t\t: yes\nflags\t\t:", a);
  AddFlags(out);
  out.Add("\nbugs\t\t:\nbogomips\t: %lu.%02lu\nclflush size\t: 64\ncache_alignment\t: 64\n",
          khz * 2 / 1000, khz * 2 % 1000 / 10);
  out.Add("address sizes\t: 48 bits physical, 48 bits virtual\n");
  out.Add("power management:\n\n");
  return Ok();
}

Status ShowUptime(TextBuffer& out, const ProcKey&) {
  SystemInfo info{};
  FillSystemInfo(info);
  AddHundredths(out, info.uptime_ns);
  out.Add(" ");
  AddHundredths(out, info.idle_ns);
  out.Add("\n");
  return Ok();
}

Status ShowSystemStat(TextBuffer& out, const ProcKey&) {
  SystemInfo info{};
  FillSystemInfo(info);
  for (const char* cpu : {"cpu ", "cpu0"}) {
    out.Add("%s %lu 0 %lu %lu 0 0 0 0 0 0\n", cpu, Ticks(info.user_ns), Ticks(info.system_ns),
            Ticks(info.idle_ns));
  }
  out.Add("intr 0\nctxt %lu\nbtime %lu\nprocesses %lu\n", info.context_switches,
          Boot().boot_wall_ns / kNs, info.forks);
  out.Add("procs_running %u\nprocs_blocked %u\nsoftirq 0 0 0 0 0 0 0 0 0 0 0\n", info.running,
          info.blocked);
  return Ok();
}

Status ShowLoadavg(TextBuffer& out, const ProcKey&) {
  SystemInfo info{};
  FillSystemInfo(info);
  for (const uint32_t load : info.load) {
    const uint32_t fraction = load & ((1u << kLoadShift) - 1);
    out.Add("%u.%02u ", load >> kLoadShift, fraction * 100 >> kLoadShift);
  }
  out.Add("%u/%u %u\n", info.running, info.total_tasks, info.last_pid);
  return Ok();
}

Status ShowVersion(TextBuffer& out, const ProcKey&) {
  SystemInfo info{};
  FillSystemInfo(info);
  out.Add("Linux version %s (forkvisor@forkvisor) (clang) %s\n", info.release, info.version);
  return Ok();
}

Status ShowFilesystems(TextBuffer& out, const ProcKey&) {
  for (const char* type : kFilesystemTypes) {
    out.Add("nodev\t%s\n", type);
  }
  return Ok();
}

Status ShowMounts(TextBuffer& out, const ProcKey&) {
  const Mount* mount = nullptr;
  for (unsigned i = 0; (mount = MountNumber(i)) != nullptr; ++i) {
    char path[256];
    char flags[64];
    TRY(FormatPath(*mount->root, *RootDentry(), path, sizeof(path)));
    FormatMountFlags(*mount, flags, sizeof(flags));
    out.Add("%s %s %s %s%s 0 0\n", mount->superblock.source, path, mount->superblock.type, flags,
            mount->options);
  }
  return Ok();
}

Status ShowMountinfo(TextBuffer& out, const ProcKey&) {
  const Mount* mount = nullptr;
  for (unsigned i = 0; (mount = MountNumber(i)) != nullptr; ++i) {
    const Superblock& superblock = mount->superblock;
    char path[256];
    char flags[64];
    TRY(FormatPath(*mount->root, *RootDentry(), path, sizeof(path)));
    FormatMountFlags(*mount, flags, sizeof(flags));
    out.Add("%u %u 0:%u / %s %s", superblock.mount_id, ParentMountId(*mount), superblock.device,
            path, flags);
    if (mount->propagation == Propagation::kShared) {
      out.Add(" shared:%u", superblock.mount_id);
    } else if (mount->propagation == Propagation::kUnbindable) {
      out.Add(" unbindable");
    }
    out.Add(" - %s %s %s%s\n", superblock.type, superblock.source,
            superblock.read_only ? "ro" : "rw", mount->options);
  }
  return Ok();
}

Status ShowCmdlineOfKernel(TextBuffer& out, const ProcKey&) {
  out.Add("console=forkvisor\n");
  return Ok();
}

Status ShowEmpty(TextBuffer&, const ProcKey&) { return Ok(); }

Status ShowPartitions(TextBuffer& out, const ProcKey&) {
  out.Add("major minor  #blocks  name\n\n");
  return Ok();
}

Status ShowSwaps(TextBuffer& out, const ProcKey&) {
  out.Add("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
  return Ok();
}

Status ShowDevices(TextBuffer& out, const ProcKey&) {
  out.Add(
      "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n  5 /dev/ptmx\n136 "
      "pts\n\nBlock devices:\n");
  return Ok();
}

}  // namespace fv::guest
