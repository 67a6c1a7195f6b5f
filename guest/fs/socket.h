// SPDX-License-Identifier: Apache-2.0
//
// Unix sockets (unix(7)) as far as programs probe them: a socket that nobody listens for. C
// libraries look for a name service daemon this way and take ENOENT for "none". There is no bind
// and no listen, so a connection is always refused.
#pragma once

#include "guest/fs/file.h"
#include "guest/fs/path.h"

namespace fv::guest {

// `flags` of O_NONBLOCK. Errors: ENOMEM.
Result<Ref<File>> MakeUnixSocket(uint32_t flags);

// connect(2) to the path of a unix address. ENOENT and the other errors of path walking, EACCES
// without write permission, ECONNREFUSED for what is there but does not listen.
Status ConnectUnixSocket(const PathCaller& caller, const char* path);

}  // namespace fv::guest
