// SPDX-License-Identifier: Apache-2.0
// Tells the service manager that started this process how it stands (sd_notify(3), by hand).
#pragma once

#include <string_view>

namespace adweave::app {

// "READY=1" or "STOPPING=1", as one datagram to the socket that $NOTIFY_SOCKET names. Does nothing
// without that variable, or when nobody listens there: no work depends on it.
void tell_service_manager(std::string_view state);

}  // namespace adweave::app
