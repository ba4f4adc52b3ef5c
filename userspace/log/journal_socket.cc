// SPDX-License-Identifier: BSD-3-Clause
#include "log/journal_socket.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "log/line_writer.h"

namespace smtpscope::log {
namespace {

int error_of(bool good) {
    return good ? 0 : errno;
}

/// The descriptor alone, in a message without bytes.
int send_descriptor(int socket, int fd) {
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
    msghdr message{};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    return error_of(::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0);
}

int send_as_file(int socket, std::string_view entry) {
    const int fd = ::memfd_create("smtpscope-journal", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return errno;
    // journald maps the file: it requires that nobody can change it meanwhile.
    constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    int error = write_all(fd, entry).error;
    if (error == 0) error = error_of(::fcntl(fd, F_ADD_SEALS, seals) == 0);
    if (error == 0) error = send_descriptor(socket, fd);
    ::close(fd);
    return error;
}

}  // namespace

JournalSocket::JournalSocket(std::string path) : path_(std::move(path)) {}

JournalSocket::~JournalSocket() {
    disconnect();
}

void JournalSocket::disconnect() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

int JournalSocket::connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) return ENAMETOOLONG;
    path_.copy(address.sun_path, path_.size());
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) return errno;
    const int error = error_of(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    if (error != 0) disconnect();
    return error;
}

int JournalSocket::send_once(std::string_view entry) {
    if (fd_ < 0) {
        if (const int error = connect()) return error;
    }
    if (::send(fd_, entry.data(), entry.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
    const int error = errno == EMSGSIZE ? send_as_file(fd_, entry) : errno;
    if (is_away(error)) disconnect();
    return error;
}

int JournalSocket::send(std::string_view entry) {
    const bool connected = fd_ >= 0;
    const int error = send_once(entry);
    // Its socket is gone; that of the next journald may be there already.
    return connected && is_away(error) ? send_once(entry) : error;
}

bool is_away(int error) {
    return error == ENOENT || error == ECONNREFUSED || error == ENOTCONN || error == ECONNRESET || error == EPIPE;
}

bool is_passing(int error) {
    return is_away(error) || error == EAGAIN || error == ENOBUFS || error == ENOMEM || error == EMFILE ||
           error == ENFILE || error == ETOOMANYREFS;
}

}  // namespace smtpscope::log
