// SPDX-License-Identifier: BSD-3-Clause
// The way for people and tools to ask a running agent: a Unix stream socket. A client sends one line and reads the
// answer up to the end of the stream.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <list>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/descriptor.h"

namespace smtpscope::agent {

/// The socket of this path belongs to another agent that is alive.
class SocketInUse : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class ControlSocket {
  public:
    /// From the line of a client, without its end, to the whole answer.
    using Answer = std::function<std::string(std::string_view request)>;

    /// Listens at `path`, mode 0660; creates its last folder if that is missing, and replaces the socket of a dead
    /// agent. Throws SocketInUse, or std::runtime_error if the socket cannot be created.
    ControlSocket(std::string path, Answer answer);
    /// Removes the socket.
    ~ControlSocket();
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

    /// Readable when serve() has something to do.
    int fd() const { return epoll_.get(); }
    /// Accepts, reads, answers; never waits.
    void serve();
    /// Hangs up on clients whose time is over; to be called about once a second.
    void expire();

  private:
    struct Client {
        Descriptor fd;
        std::chrono::steady_clock::time_point deadline;
        std::string request;
        std::string answer;
        std::size_t sent = 0;
    };
    using Clients = std::list<Client>;
    enum class Progress { waiting, finished };

    void lock();
    void listen();
    void accept_all();
    Progress proceed(Client& client);
    Progress read_request(Client& client);
    Progress write_answer(Client& client);
    void watch(int operation, int fd, std::uint32_t events, void* what);

    std::string path_;
    Answer answer_;
    Descriptor lock_;  ///< held as long as the agent lives; the kernel releases it when the agent is killed
    Descriptor listener_;
    Descriptor epoll_;
    Clients clients_;
};

/// The answer that says why a request failed, for people: `{"error":"..."}`.
std::string error_answer(std::string_view why);

/// Whether to trust the process that listens, by its id and its user, which the kernel reports.
using PeerCheck = std::function<bool(pid_t process, uid_t user)>;

/// Sends `request` to the agent at `path` and returns its answer. Throws std::runtime_error with a sentence for people
/// if there is none, or none within `patience`, or if it is an error_answer(), or if `check` is given and says
/// no: then nothing is sent.
std::string ask(const std::string& path, std::string_view request,
                std::chrono::seconds patience = std::chrono::seconds(5), const PeerCheck& check = {});

}  // namespace smtpscope::agent
