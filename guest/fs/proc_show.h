// SPDX-License-Identifier: Apache-2.0
//
// The texts of /proc, by file name. Formats: proc(5).
#pragma once

#include "guest/fs/proc.h"

namespace fv::guest {

// ---- /proc (proc_system.cc) --------------------------------------------------------------------
Status ShowMeminfo(TextBuffer& out, const ProcKey& key);
Status ShowCpuinfo(TextBuffer& out, const ProcKey& key);
Status ShowUptime(TextBuffer& out, const ProcKey& key);
Status ShowSystemStat(TextBuffer& out, const ProcKey& key);
Status ShowLoadavg(TextBuffer& out, const ProcKey& key);
Status ShowVersion(TextBuffer& out, const ProcKey& key);
Status ShowFilesystems(TextBuffer& out, const ProcKey& key);
Status ShowMounts(TextBuffer& out, const ProcKey& key);
Status ShowCmdlineOfKernel(TextBuffer& out, const ProcKey& key);
Status ShowEmpty(TextBuffer& out, const ProcKey& key);
Status ShowPartitions(TextBuffer& out, const ProcKey& key);
Status ShowSwaps(TextBuffer& out, const ProcKey& key);
Status ShowDevices(TextBuffer& out, const ProcKey& key);
Status ShowVmstat(TextBuffer& out, const ProcKey& key);

// ---- /proc/PID: proc_task.cc, proc_status.cc, proc_maps.cc, proc_smaps.cc, proc_memory.cc ------
Status ShowTaskStat(TextBuffer& out, const ProcKey& key);
Status ShowTaskStatus(TextBuffer& out, const ProcKey& key);
Status ShowStatm(TextBuffer& out, const ProcKey& key);
Status ShowComm(TextBuffer& out, const ProcKey& key);
Status StoreComm(const ProcKey& key, const char* text, size_t length);
Status ShowCmdline(TextBuffer& out, const ProcKey& key);
Status ShowEnviron(TextBuffer& out, const ProcKey& key);
Status ShowLimits(TextBuffer& out, const ProcKey& key);
Status ShowOomScore(TextBuffer& out, const ProcKey& key);
Status ShowOomScoreAdj(TextBuffer& out, const ProcKey& key);
Status StoreOomScoreAdj(const ProcKey& key, const char* text, size_t length);
Status ShowMountinfo(TextBuffer& out, const ProcKey& key);
Status ShowFdInfo(TextBuffer& out, const ProcKey& key);
Status ShowChildren(TextBuffer& out, const ProcKey& key);
Status ShowCoredumpFilter(TextBuffer& out, const ProcKey& key);
Status ShowPersonality(TextBuffer& out, const ProcKey& key);
Status ShowTimerSlack(TextBuffer& out, const ProcKey& key);
Status StoreTimerSlack(const ProcKey& key, const char* text, size_t length);
Status ShowWchan(TextBuffer& out, const ProcKey& key);
Status ShowSyscall(TextBuffer& out, const ProcKey& key);
Status ShowSchedstat(TextBuffer& out, const ProcKey& key);
Status ShowIo(TextBuffer& out, const ProcKey& key);
Status ShowIdMap(TextBuffer& out, const ProcKey& key);
Status ShowTimensOffsets(TextBuffer& out, const ProcKey& key);
Status ShowCgroup(TextBuffer& out, const ProcKey& key);
Status ShowMaps(TextBuffer& out, const ProcKey& key);
Status ShowSmaps(TextBuffer& out, const ProcKey& key);
Status ShowSmapsRollup(TextBuffer& out, const ProcKey& key);
Status ShowNumaMaps(TextBuffer& out, const ProcKey& key);
Status ShowAuxv(TextBuffer& out, const ProcKey& key);
Status StoreCoredumpFilter(const ProcKey& key, const char* text, size_t length);
Status StoreClearRefs(const ProcKey& key, const char* text, size_t length);

}  // namespace fv::guest
