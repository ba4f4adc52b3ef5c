// SPDX-License-Identifier: BSD-3-Clause
#include "capture/diagnostics.h"

#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace smtpscope::capture {
namespace {

constexpr std::size_t max_text = 8192;

thread_local Diagnostics* current = nullptr;

std::string join(const std::vector<std::string>& parts) {
    std::string all;
    for (const std::string& part : parts) all += (all.empty() ? "" : ", ") + part;
    return all;
}

/// The last lines before libbpf's own summary: they say why.
std::string tail(std::string text, std::size_t lines) {
    if (const std::size_t end = text.rfind("\nprocessed "); end != std::string::npos) text.resize(end);
    std::size_t begin = text.size();
    while (begin > 0 && lines > 0) {
        begin = text.rfind('\n', begin - 1);
        if (begin == std::string::npos) return text;
        --lines;
    }
    return text.substr(begin);
}

}  // namespace

struct DiagnosticsSink {
    static int print(libbpf_print_level level, const char* format, va_list args) {
        if (current == nullptr || level == LIBBPF_DEBUG) return 0;
        // The verifier's log comes as one message, and what matters is its end.
        va_list again;
        va_copy(again, args);
        const int n = std::vsnprintf(nullptr, 0, format, again);
        va_end(again);
        if (n <= 0) return n;
        std::string message(static_cast<std::size_t>(n) + 1, '\0');
        std::vsnprintf(message.data(), message.size(), format, args);
        message.pop_back();
        std::string& text = current->text_;
        text += message;
        if (text.size() > max_text) text.erase(0, text.size() - max_text);
        return n;
    }
};

Diagnostics::Diagnostics() : outer_(current) {
    libbpf_set_print(&DiagnosticsSink::print);
    current = this;
}

Diagnostics::~Diagnostics() {
    current = outer_;
}

std::vector<std::string> missing_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
    if (syscall(SYS_capget, &header, data.data()) != 0) return {};
    const auto has = [&](unsigned capability) {
        return (data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability)) != 0;
    };
    std::vector<std::string> missing;
    if (!has(CAP_BPF) && !has(CAP_SYS_ADMIN)) missing.emplace_back("CAP_BPF");
    if (!has(CAP_PERFMON) && !has(CAP_SYS_ADMIN)) missing.emplace_back("CAP_PERFMON");
    if (!has(CAP_NET_ADMIN)) missing.emplace_back("CAP_NET_ADMIN");
    return missing;
}

std::string error_text(int error) {
    std::array<char, 128> buffer{};
    return strerror_r(std::abs(error), buffer.data(), buffer.size());
}

std::string explain_load_failure(int error, const std::string& messages) {
    const std::string what = "cannot load the kernel programs: ";
    const std::vector<std::string> missing = missing_capabilities();
    if (!missing.empty())
        return what + "this process lacks " + join(missing) +
               "; run it as root, or give it these (systemd: AmbientCapabilities=CAP_BPF CAP_NET_ADMIN CAP_PERFMON)";
    if (messages.find("BTF") != std::string::npos && error != -E2BIG && error != -EINVAL)
        return what + "the kernel has no BTF in /sys/kernel/btf/vmlinux, or this process may not read it";
    if (error == -ENOMEM || error == -E2BIG)
        return what + error_text(error) + "; try a smaller capture.ring_size. " + tail(messages, 4);
    if (error == -EPERM)
        return what +
               "the kernel refuses bpf() though the capabilities are there: kernel lockdown, a seccomp filter "
               "(systemd: SystemCallFilter needs bpf) or RLIMIT_MEMLOCK";
    if (error == -ENOSYS) return what + "this kernel has no bpf() (CONFIG_BPF_SYSCALL)";
    return what + error_text(error) + "; 5.10 is the oldest kernel that is known to work. " + tail(messages, 8);
}

}  // namespace smtpscope::capture
